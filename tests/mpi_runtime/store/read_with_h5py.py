# SPDX-License-Identifier: Apache-2.0
# read_with_h5py.py FILE STEP: compares every tensor with what numbered_model.h says it holds.
import sys

import h5py
import numpy

TENSORS = [
    ("model/embed", "<f4", (700, 33)),
    ("model/norm", "<f4", (96,)),
    ("model/wide", "<f4", (8, 512, 512)),
    ("adam/m/embed", "<f4", (700, 33)),
    ("counters", "<i8", (3,)),
    ("half", "<u2", (5, 7)),
    ("empty", "<f4", (0, 7)),
]


def main():
    step = int(sys.argv[2])
    equal = 0
    with h5py.File(sys.argv[1], "r") as file:
        assert file.attrs["step"] == step
        for number, (name, kind, shape) in enumerate(TENSORS):
            dataset = file[name]
            assert dataset.shape == shape and dataset.dtype == numpy.dtype(kind), name
            if name == "half":
                assert dataset.attrs["dtype"] in ("bf16", b"bf16")
            got = dataset[()].tobytes()
            i = numpy.arange(len(got), dtype=numpy.uint64)
            expected = ((i * 131 + number * 31 + step * 7) >> numpy.uint64(3)).astype(numpy.uint8)
            assert got == expected.tobytes(), name
            equal += 1
    print(equal, "tensors equal")


main()
