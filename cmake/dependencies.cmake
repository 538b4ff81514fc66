# Third parties, all from the distribution; THIRD_PARTY.md says what each is for
# and under which licence. `scripts/setup.sh` installs them.

set(CMAKE_THREAD_PREFER_PTHREAD ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

find_package(tl-expected CONFIG REQUIRED)     # tl::expected
find_package(zstd CONFIG REQUIRED)            # zstd::libzstd_static
find_package(SQLite3 3.40 REQUIRED)           # SQLite::SQLite3
find_package(nlohmann_json CONFIG REQUIRED)   # nlohmann_json::nlohmann_json
find_package(CLI11 CONFIG REQUIRED)           # CLI11::CLI11
# 1.74, the distribution's default, lacks an include and conflicts with it.
find_package(Boost 1.81 REQUIRED)             # Boost::headers

# xxHash is used header-only: its one user defines XXH_INLINE_ALL before it.
find_path(REJOIN_XXHASH_INCLUDE xxhash.h REQUIRED)

# The distribution's interpreter: others are often built without the right to
# load SQLite extensions, which the tests need.
find_program(REJOIN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(REJOIN_PYTHON python3)

set(REJOIN_BUILD_TESTS OFF)
if(REJOIN_TESTS STREQUAL "AUTO")
  find_package(GTest CONFIG QUIET)
  find_package(rapidcheck CONFIG QUIET)
  if(GTest_FOUND AND rapidcheck_FOUND AND REJOIN_PYTHON)
    set(REJOIN_BUILD_TESTS ON)
  else()
    message(STATUS "Tests left out: `scripts/setup.sh test` installs what they need")
  endif()
elseif(REJOIN_TESTS)
  find_package(GTest CONFIG REQUIRED)         # GTest::gtest_main
  find_package(rapidcheck CONFIG REQUIRED)    # rapidcheck, rapidcheck_gtest
  if(NOT REJOIN_PYTHON)
    message(FATAL_ERROR "rejoin: the tests need python3: run scripts/setup.sh test")
  endif()
  set(REJOIN_BUILD_TESTS ON)
endif()

if(REJOIN_BUILD_TESTS)
  include(GoogleTest)
endif()
enable_testing()  # for the fuzzers too
