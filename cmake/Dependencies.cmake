# What Roost builds on: Debian packages, found here and nowhere else.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers alone: Interprocess, JSON, Unordered, Lockfree, Math
find_package(fmt 9 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PkgConfig REQUIRED)
find_path(SODIUM_INCLUDE_DIR sodium.h REQUIRED)
find_library(SODIUM_LIBRARY libsodium.a REQUIRED)  # the archive: roost-mcp is linked statically
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY libzstd.a REQUIRED)  # the same
find_path(CURSES_INCLUDE_DIR curses.h REQUIRED)
find_library(CURSES_LIBRARY libncursesw.a REQUIRED)  # archives: roost starts as fast as without (decision 38)
find_library(TINFO_LIBRARY libtinfo.a REQUIRED)
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)  # optional: readiness and socket activation
find_library(RE2_LIBRARY re2 REQUIRED)
find_library(SECCOMP_LIBRARY seccomp REQUIRED)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)  # roost-export alone
find_library(CIVETWEB_LIBRARY civetweb REQUIRED)  # the HTTP server of prometheus-cpp
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)
find_program(FLATC flatc REQUIRED)
if(ROOST_TESTS)
  find_package(GTest REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
if(ROOST_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
