"""How each H.264 encoder wants its pictures and its settings, as ffmpeg-python describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CPU = "libx264"
NODE = "/dev/dri/renderD128"
# Limited range BT.709, as the frames are; no B pictures, so that pictures leave as they came.
_ALWAYS: Mapping[str, str | int] = {
    "bf": 0,
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """An encoder: what stands before the input, which filters follow, which options it takes."""

    name: str
    before: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[tuple[str, ...], ...] = ()
    options: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def output(self) -> dict[str, str | int]:
        """The options of the output."""
        return {"vcodec": self.name, **_ALWAYS, **self.options}


_NV12 = ("format", "nv12")

# In the order in which they are tried.
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("h264_nvenc", options={"preset": "p4", "rc": "constqp", "qp": 23}),
        Recipe(
            "h264_vaapi",
            before={"vaapi_device": NODE},
            filters=(_NV12, ("hwupload",)),
            options={"rc_mode": "CQP", "qp": 23},
        ),
        Recipe("h264_qsv", filters=(_NV12,), options={"preset": "fast", "global_quality": 23}),
        Recipe(CPU, options={"preset": "ultrafast", "crf": 19, "threads": 1}),
    )
}
