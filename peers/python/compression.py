"""Times other DEFLATE libraries, each message from an empty window; prints JSON. Usage: compression.py < TEXT

Each call is long enough that what Python adds to it does not matter. libdeflate knows whole messages only, no streams.
"""

import json
import sys
import time
import zlib
from importlib.metadata import version

import deflate
from isal import isal_zlib
from zlib_ng import zlib_ng

RAW = -15
TIME = 0.4
TEXT = sys.stdin.buffer.read()


def fastest(call):
    best, end = float("inf"), time.perf_counter() + TIME
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e9


def report(library, level, compress, inflate):
    compressed = compress()
    assert inflate(compressed) == TEXT
    figures = {
        "library": library,
        "level": level,
        "size": len(TEXT),
        "compressed": len(compressed),
        "deflate_ns": fastest(compress),
        "inflate_ns": fastest(lambda: inflate(compressed)),
    }
    print(json.dumps(figures))


def like_zlib(library, module, levels):
    for level in levels:

        def compress(level=level):
            compressor = module.compressobj(level, module.DEFLATED, RAW)
            return compressor.compress(TEXT) + compressor.flush()

        def inflate(compressed):
            return module.decompress(compressed, RAW, len(TEXT))

        report(library, level, compress, inflate)


like_zlib(f"zlib {zlib.ZLIB_RUNTIME_VERSION}", zlib, [1, 6])
like_zlib(f"zlib-ng {zlib_ng.ZLIBNG_VERSION}", zlib_ng, [1, 6])
like_zlib(f"ISA-L (isal {version('isal')})", isal_zlib, [1, 3])
for level in [1, 6]:
    report(
        f"libdeflate (deflate {version('deflate')})",
        level,
        lambda: deflate.deflate_compress(TEXT, level),
        lambda compressed: deflate.deflate_decompress(compressed, len(TEXT)),
    )
