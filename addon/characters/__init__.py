"""Any character: a performance on meshes with shape keys and on bones, by a mapping that a person can see, edit and share."""
