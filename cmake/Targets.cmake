# Flags and helpers shared by all folders.

# Linked PRIVATE, so that users of the installed library never see them.
add_library(roost_warnings INTERFACE)
target_compile_options(roost_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(roost_warnings INTERFACE -Wno-maybe-uninitialized)  # wrong about std::optional in GCC 12
endif()
if(ROOST_WERROR)
  target_compile_options(roost_warnings INTERFACE -Werror)
endif()

# Line tables are enough for stack traces, and build in half the time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
if(ROOST_SANITIZER)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()
find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()

if(ROOST_SANITIZER)
  add_compile_definitions(ROOST_SANITIZED)
endif()
if(ROOST_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # Its check of an object's type opens a pipe to see whether memory is there, and takes none for a wrong type:
  # a broker that has run out of descriptors would be one that failed.
  add_compile_options(-fno-sanitize=vptr)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # One build for the tests and for tests/fuzz: the counters that libFuzzer reads are idle in a test.
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
elseif(ROOST_SANITIZER STREQUAL "thread")
  # GCC warns that TSan does not see fences; Roost's shared words are all atomic, so nothing is missed.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
endif()

# The code of tests itself need not be quick, nor is it what a sanitizer is to look at, and takes half of the time to
# build.
set(roost_test_options $<$<NOT:$<CONFIG:Debug>>:-Og>)
if(ROOST_SANITIZER STREQUAL "address")
  set(roost_test_options -O0 -fno-sanitize=undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND roost_test_options -fno-sanitize=fuzzer-no-link)
  endif()
elseif(ROOST_SANITIZER STREQUAL "thread")
  set(roost_test_options -O0)
endif()
if(ROOST_UNITY)
  list(APPEND roost_test_options -g0)  # GoogleTest names the line; without, a fifth of a test's build is saved
endif()
# A designated initializer that leaves the rest at its default says just what a test is about.
list(APPEND roost_test_options -Wno-missing-field-initializers)

# What most sources include, read once a library and once for all tests. Where nothing is cached that is a
# third of the build. Off otherwise: it hides an include that is missing, and a compiler cache does without.
# GCC 12 forgets which code of a precompiled header is the system's, and warns, wrongly, of the insides of
# std::string: the libraries do without those warnings then, and tests without precompiled headers.
if(ROOST_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(roost_warnings INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
                         -Wno-stringop-overread)
endif()
set(ROOST_PRECOMPILE_TESTS OFF)
if(ROOST_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(ROOST_PRECOMPILE_TESTS ON)
endif()
set(roost_common_headers <algorithm> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional>
    <span> <string> <string_view> <thread> <unordered_map> <vector> <fmt/core.h> <flatbuffers/flatbuffers.h>)
function(roost_precompile target)
  if(ROOST_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${roost_common_headers} ${ARGN})
  endif()
endfunction()
if(ROOST_PRECOMPILE_TESTS AND ROOST_TESTS)
  # A program, since precompiled code is position-independent in one way or the other, and tests are programs.
  file(WRITE ${PROJECT_BINARY_DIR}/test_headers.cc "int main() {}\n")
  add_executable(roost_test_headers EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/test_headers.cc)
  target_link_libraries(roost_test_headers PRIVATE Boost::headers GTest::gtest GTest::gmock roost_warnings)
  target_compile_options(roost_test_headers PRIVATE ${roost_test_options})
  roost_precompile(roost_test_headers <boost/json.hpp> <gtest/gtest.h>)
endif()
function(roost_precompile_test target)
  if(ROOST_PRECOMPILE_TESTS)
    target_precompile_headers(${target} REUSE_FROM roost_test_headers)
  endif()
endfunction()

# A dozen sources read their headers once. Off otherwise: a change to one would compile all of them again.
set(CMAKE_UNITY_BUILD ${ROOST_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(ROOST_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # takes a source that another includes for a header
  target_compile_options(roost_warnings INTERFACE -Wno-subobject-linkage)
endif()

# roost_tests(<name> SOURCES <files...> LIBRARIES <libraries...> [PROGRAMS <targets...>] [PROPERTIES <of each test...>]
# [SOAK]): one GoogleTest program, each of its tests a ctest. A folder has one, or few, since most of what a test takes to
# build is its headers and its link. PROGRAMS are what the tests start. SOAK: the same once more with ROOST_SOAK=1, as
# Soak.<test>, with label `slow`.
function(roost_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SOAK" "" "SOURCES;LIBRARIES;PROGRAMS;PROPERTIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main roost_warnings)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${roost_test_options})
  roost_precompile_test(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(arg_PROGRAMS)
    add_dependencies(${name} ${arg_PROGRAMS})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600 ${arg_PROPERTIES})
  if(arg_SOAK)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "Soak."
                         PROPERTIES LABELS slow TIMEOUT 7200 ENVIRONMENT ROOST_SOAK=1)
  endif()
endfunction()
