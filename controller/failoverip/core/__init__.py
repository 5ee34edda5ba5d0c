"""The decisions: values in, values out.

May not do I/O, read a clock, draw randomness, start tasks or import a package. Times are
arguments: `now` is seconds of a clock that never jumps (CLOCK_BOOTTIME), `wall_seconds` is
POSIX time and appears only in records that outlive the process.
"""
