#!/usr/bin/env python3
"""Checks that the tests stand between the log and the kernel at every call on files.

    check_disk_calls.py LIBRARY CALL...     exit 1 if the library makes another call on files than these

A call that tests/log/disk_calls.cc does not wrap is one that no test fails or cuts off.
"""

import subprocess
import sys

# What changes files, or tells what they are. Not flock, which no crash can tear.
FILE_CALLS = set("""
    open open64 openat openat64 creat close read pread pread64 preadv readv write pwrite pwrite64 pwritev
    pwritev2 writev fopen fopen64 ftruncate ftruncate64 truncate truncate64 fallocate fallocate64 posix_fallocate
    posix_fallocate64 fdatasync fsync sync syncfs sync_file_range msync rename renameat renameat2 link linkat
    symlink symlinkat unlink unlinkat remove rmdir mkdir mkdirat copy_file_range sendfile splice fstat fstat64
    opendir fdopendir
""".split())


def main():
    library, wrapped = sys.argv[1], set(sys.argv[2:])
    symbols = subprocess.run(["nm", "--undefined-only", "--format=posix", library],
                             check=True, capture_output=True, text=True).stdout
    called = {line.split()[0] for line in symbols.splitlines() if line and not line.endswith(":")}
    # With fortified headers: __pread_chk, __openat_2.
    called |= {name[2:].removesuffix("_chk").removesuffix("_2") for name in called if name.startswith("__")}
    missed = sorted((called & FILE_CALLS) - wrapped)
    for name in missed:
        print(f"{library}: calls {name}, which tests/log/disk_calls.cc does not wrap", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
