"""MoneyPrinterTurbo's own composition, unmodified; run by its own Python in its own folder.

    cd CHECKOUT && PEER_PYTHON peer_mpt.py pictures|clips MATERIAL OUT

MATERIAL holds picture*.jpg, clip*.mp4, voice.wav, music.wav and captions.srt. It writes
OUT/final.mp4 and prints the seconds of its steps.
"""

import glob
import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.getcwd())

from app.models.schema import MaterialInfo, VideoConcatMode, VideoParams
from app.services import bgm as bgm_service
from app.services import video
from app.utils import utils


def main() -> None:
    kind, material, out = sys.argv[1:4]
    os.makedirs(out, exist_ok=True)
    took = {}

    began = time.perf_counter()
    paths = sorted(glob.glob(f"{material}/clip*.mp4"))
    if kind == "pictures":
        local, found = utils.storage_dir("local_videos", create=True), []
        for picture in sorted(glob.glob(f"{material}/picture*.jpg")):
            copy = os.path.join(local, os.path.basename(picture))
            shutil.copy(picture, copy)
            found.append(MaterialInfo(provider="local", url=copy, duration=0))
        paths = [one.url for one in video.preprocess_video(found, clip_duration=5)]
        took["preprocess"] = time.perf_counter() - began

    began = time.perf_counter()
    combined = video.combine_videos(
        f"{out}/combined.mp4",
        paths,
        f"{material}/voice.wav",
        video_concat_mode=VideoConcatMode.random,
        max_clip_duration=5,
        threads=2,
    )
    took["combine"] = time.perf_counter() - began

    # Only which file is the music; what is done with it is theirs.
    for module in (video, bgm_service):
        if hasattr(module, "get_bgm_file"):
            module.get_bgm_file = lambda *args, **kwargs: f"{material}/music.wav"
    params = VideoParams(
        video_subject="clocks",
        bgm_type="custom",
        bgm_volume=0.2,
        n_threads=2,
    )
    began = time.perf_counter()
    video.generate_video(
        combined or f"{out}/combined.mp4",
        f"{material}/voice.wav",
        f"{material}/captions.srt",
        f"{out}/final.mp4",
        params,
    )
    took["generate"] = time.perf_counter() - began
    sys.stdout.write("\n" + json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
