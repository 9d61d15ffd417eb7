"""Say on what basis a person may be animated: asked once for each portrait, kept in the .blend and in everything that is
made."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty

from .. import rights

WIDTH_PX = 460


class SOLILOQUY_OT_state_rights(bpy.types.Operator):
    """Say on what basis the person in this picture may be animated. Asked once for each portrait"""

    bl_idname = "soliloquy.state_rights"
    bl_label = "Who Is Shown, and May They Be Animated?"
    bl_options = {"UNDO", "INTERNAL"}

    then_animate: BoolProperty(options={"SKIP_SAVE", "HIDDEN"}, description="Go on with Animate Portrait")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Choose a picture first")
        return bool(context.scene.soliloquy.picture)

    @classmethod
    def description(cls, context: bpy.types.Context, _properties: bpy.types.OperatorProperties) -> str:
        return f"{rights.summary(context.scene.soliloquy)}. {cls.__doc__}"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(
            self, width=WIDTH_PX, confirm_text="Animate Portrait" if self.then_animate else "Keep")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.soliloquy
        layout = self.layout
        layout.label(text=Path(settings.picture).name, icon="USER")
        about = layout.column(align=True)
        about.active = False
        about.label(text="What you say here is kept in the portrait and signed into every video and")
        about.label(text="picture made from it. Your own name stays on this computer.")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "rights", text="Basis")
        if settings.rights in rights.BASES:
            layout.prop(settings, "rights_subject")
            layout.prop(settings, "rights_statement", placeholder="release of 3 May 2026, archive no. 12")
            layout.prop(settings, "rights_scope", placeholder="the film, the text, where it is shown")
            layout.prop(settings, "rights_expires", placeholder="2027-12-31")
            if reason := rights.wrong_date(settings.rights_expires):
                layout.label(text=reason, icon="ERROR")

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.soliloquy
        reason = rights.to_be_said(settings.rights, settings.picture) or rights.wrong_date(settings.rights_expires)
        if reason:
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        rights.remember(settings)
        if self.then_animate:
            bpy.ops.soliloquy.animate("INVOKE_DEFAULT")
        return {"FINISHED"}


CLASSES = (SOLILOQUY_OT_state_rights,)
