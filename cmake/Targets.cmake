# Flags and helpers shared by all folders.

# Linked PRIVATE, so that users of the installed library never see them.
add_library(roost_warnings INTERFACE)
target_compile_options(roost_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Wimplicit-fallthrough
                       -Wno-maybe-uninitialized)  # wrong about std::optional in GCC 12
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

if(ROOST_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(ROOST_SANITIZER STREQUAL "thread")
  # GCC warns that TSan does not see fences; Roost's shared words are all atomic, so nothing is missed.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
endif()

# The code of tests itself is not what a sanitizer is to look at, and takes half of the time to build.
set(roost_test_options "")
if(ROOST_SANITIZER STREQUAL "address")
  set(roost_test_options -O0 -fno-sanitize=undefined)
elseif(ROOST_SANITIZER STREQUAL "thread")
  set(roost_test_options -O0)
endif()

# roost_test(<source> <libraries...>): one GoogleTest program, each of its tests a ctest.
function(roost_test source)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gtest GTest::gmock GTest::gtest_main roost_warnings)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${roost_test_options})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()
