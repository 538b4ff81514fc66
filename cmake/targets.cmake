# The kinds of target this project has. Sources are always listed, never globbed.
#
#   rejoin_library(name SOURCES a.cc ... [DEPS target ...] [DEFINES MACRO ...])
#   rejoin_program(name SOURCES main.cc ... [DEPS ...] [OUTPUT file])
#   rejoin_module(name ENTRY symbol SOURCES a.cc ... [DEPS ...])
#   rejoin_test(name SOURCES a_test.cc ... [DEPS ...] [LABELS label ...])
#   rejoin_test_library(name SOURCES a.cc ... [DEPS ...])
#   rejoin_script_test(name SCRIPT file.py [ARGS ...] [LABELS label ...] [LOADS_EXTENSION])
#   rejoin_fuzzer(name SOURCES a_fuzz.cc ... [DEPS ...] [CORPUS folder] [SECONDS s] [MAX_BYTES b]
#                 [MALLOC_MB m])
#
# DEPS and DEFINES of a library reach those who link it. Includes are written
# from the root: #include "crdt/stamp.h".

# Seconds. A guard against a test that hangs, not a measure of speed: generous
# enough for a loaded machine under a sanitizer.
set(REJOIN_TEST_TIMEOUT_SECONDS 600)
set(REJOIN_DISCOVERY_TIMEOUT_SECONDS 120)

# What every target of ours gets.
function(rejoin_target name)
  target_link_libraries(${name} PRIVATE rejoin_settings)
  target_include_directories(${name} PUBLIC
    "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")
  add_dependencies(${name} rejoin_version)
endfunction()

function(rejoin_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;DEFINES")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  add_library(${name} STATIC ${arg_SOURCES})
  rejoin_target(${name})
  target_link_libraries(${name} PUBLIC ${arg_DEPS})
  target_compile_definitions(${name} PUBLIC ${arg_DEFINES})
endfunction()

# A program, left at the top of the build folder.
function(rejoin_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "SOURCES;DEPS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  add_executable(${name} ${arg_SOURCES})
  rejoin_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  if(arg_OUTPUT)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME "${arg_OUTPUT}")
  endif()
endfunction()

# A loadable module <build>/name.so that exports ENTRY and nothing else: it lives
# in hosts that bring their own SQLite, libstdc++ and zstd, and must neither
# bind to theirs nor offer its own. ENTRY itself needs default visibility.
function(rejoin_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "ENTRY" "SOURCES;DEPS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  add_library(${name} MODULE ${arg_SOURCES})
  rejoin_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_target_properties(${name} PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")

  set(exports "${CMAKE_CURRENT_BINARY_DIR}/${name}.exports")
  file(CONFIGURE OUTPUT "${exports}" CONTENT "{ global: ${arg_ENTRY}; local: *; };\n")
  set_target_properties(${name} PROPERTIES LINK_DEPENDS "${exports}")
  target_link_options(${name} PRIVATE
    "-Wl,--version-script=${exports}" -Wl,--exclude-libs,ALL)
  if(NOT REJOIN_SANITIZE)  # a sanitizer wants its runtime shared with the host
    target_link_options(${name} PRIVATE -Wl,-z,defs -static-libstdc++ -static-libgcc)
  endif()
endfunction()

# Tests of one area; ctest knows each as <folder>.<Suite>.<Test>.
function(rejoin_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LABELS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT REJOIN_BUILD_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  rejoin_test_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gtest_main)
  rejoin_area(area)
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT ${REJOIN_DISCOVERY_TIMEOUT_SECONDS}
    TEST_PREFIX "${area}."
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES TIMEOUT ${REJOIN_TEST_TIMEOUT_SECONDS} LABELS "${area};${arg_LABELS}")
endfunction()

# What several tests are built from, compiled once: RapidCheck takes its time.
function(rejoin_test_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT REJOIN_BUILD_TESTS)
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  rejoin_test_target(${name})
  target_link_libraries(${name} PUBLIC ${arg_DEPS})
endfunction()

# What both of these get.
function(rejoin_test_target name)
  rejoin_target(${name})
  target_link_libraries(${name} PRIVATE
    GTest::gtest GTest::gmock rapidcheck rapidcheck_gtest Threads::Threads)
  target_compile_definitions(${name} PRIVATE
    "REJOIN_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"" "REJOIN_BUILD_DIR=\"${PROJECT_BINARY_DIR}\"")
  target_compile_options(${name} PRIVATE ${REJOIN_TEST_OPTIONS})
  if(REJOIN_SANITIZE)
    # Measured on a file of generators: 84 s of CPU as the product is compiled, 33 s so.
    # The templates of RapidCheck, not our code, are what these would watch.
    target_compile_options(${name} PRIVATE
      -O0 -fno-sanitize=null,alignment,object-size,vptr)
  endif()
endfunction()

# A test that a Python program runs (standard library only), for what needs other
# processes or SQLite as others embed it. It fails by a non-zero status, is
# skipped by 77, and learns from its environment where the build is.
# LOADS_EXTENSION: Python itself loads rejoin.so, so under a sanitizer the runtime
# is preloaded (and with it libstdc++, whose exceptions the runtime intercepts).
function(rejoin_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LOADS_EXTENSION" "SCRIPT" "ARGS;LABELS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT REJOIN_BUILD_TESTS)
    return()
  endif()
  cmake_path(ABSOLUTE_PATH arg_SCRIPT OUTPUT_VARIABLE script)
  set(environment
    PYTHONDONTWRITEBYTECODE=1
    "REJOIN_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "REJOIN_BUILD_DIR=${PROJECT_BINARY_DIR}"
    "REJOIN_CXX=${CMAKE_CXX_COMPILER}"
    "REJOIN_SANITIZE=${REJOIN_SANITIZE}")
  if(arg_LOADS_EXTENSION AND REJOIN_SANITIZE)
    set(runtime libasan.so)
    if(REJOIN_SANITIZE MATCHES thread)
      set(runtime libtsan.so)
    endif()
    rejoin_runtime_path(${runtime} sanitizer)
    rejoin_runtime_path(libstdc++.so libstdcxx)
    list(APPEND environment "LD_PRELOAD=${sanitizer} ${libstdcxx}" ASAN_OPTIONS=detect_leaks=0)
  endif()
  rejoin_area(area)
  add_test(NAME ${name} COMMAND "${REJOIN_PYTHON}" "${script}" ${arg_ARGS}
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${REJOIN_TEST_TIMEOUT_SECONDS} LABELS "${area};${arg_LABELS}" SKIP_RETURN_CODE 77
    ENVIRONMENT "${environment}")
endfunction()

# Where the compiler keeps one of its shared libraries.
function(rejoin_runtime_path library out)
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" "-print-file-name=${library}"
                  OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

# A libFuzzer target, in the fuzz preset; ctest runs it for SECONDS from a fixed seed
# over its corpus, as fuzz.<name>. No input may take 10 s or a gigabyte, nor one
# allocation more than MALLOC_MB.
function(rejoin_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS;SECONDS;MAX_BYTES;MALLOC_MB" "SOURCES;DEPS")
  rejoin_expect_no_more(${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT REJOIN_FUZZ)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  rejoin_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}.found")  # new inputs stay out of the sources
  file(MAKE_DIRECTORY "${found}")
  set(corpus)
  if(arg_CORPUS)
    cmake_path(ABSOLUTE_PATH arg_CORPUS OUTPUT_VARIABLE corpus)
  endif()
  set(limits -timeout=10 -rss_limit_mb=1024)
  if(arg_MAX_BYTES)
    list(APPEND limits -max_len=${arg_MAX_BYTES})
  endif()
  if(arg_MALLOC_MB)
    list(APPEND limits -malloc_limit_mb=${arg_MALLOC_MB})
  endif()
  if(NOT arg_SECONDS)
    set(arg_SECONDS 20)
  endif()
  # For scripts/fuzz.sh.
  list(JOIN limits " " words)
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.limits" CONTENT "${words}\n")
  add_test(NAME "fuzz.${name}" COMMAND ${name} -seed=1 -max_total_time=${arg_SECONDS}
           -print_final_stats=1 ${limits} "${found}" ${corpus})
  set_tests_properties("fuzz.${name}" PROPERTIES
    TIMEOUT ${REJOIN_TEST_TIMEOUT_SECONDS} LABELS fuzz)
  set_property(GLOBAL APPEND PROPERTY rejoin_fuzzers ${name})
endfunction()

# The current folder's name below tests/, with dots for further levels.
function(rejoin_area out)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR
             BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/tests" OUTPUT_VARIABLE area)
  string(REPLACE "../" "" area "${area}")
  string(REPLACE "/" "." area "${area}")
  set(${out} "${area}" PARENT_SCOPE)
endfunction()

function(rejoin_expect_no_more name rest)
  if(rest)
    message(FATAL_ERROR "${name}: not understood: ${rest}")
  endif()
endfunction()
