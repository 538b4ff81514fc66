#!/usr/bin/env python3
"""Each tidy check finds what it is for, and leaves alone what only looks like it."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import calls
import headers
import layers
import lengths
import listed
import words
from tree import Tree, bare


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def faults(self, check, **files):
        """What `check` says of a tree of `files`, whose names have __ for / and _dot_ for a dot."""
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_dot_", "."), text)
        return list(check(Tree(self.root)))

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def finds(self, fragment, check, **files):
        found = self.faults(check, **files)
        self.assertTrue(any(fragment in fault for fault in found), (fragment, found))

    def passes(self, check, **files):
        self.assertEqual(self.faults(check, **files), [])


class Layers(Checks):
    def test_includes_point_left(self):
        self.passes(layers.check, crdt__a_dot_h='#include "base/status.h"\n#include <map>\n')
        self.passes(layers.check, bindings__sqlite__a_dot_cc='#include "transport/link.h"\n')
        self.passes(layers.check, tests__base__a_dot_cc='#include "cli/demo.h"\n')
        self.passes(layers.check, cli__a_dot_cc='#include "bindings/sqlite/register.h"\n')
        self.passes(layers.check, store__sqlite__sqlite_api_dot_h="#include <sqlite3ext.h>\n")

    def test_finds_an_include_up_the_layers(self):
        self.finds("base must not see crdt", layers.check, base__a_dot_h='#include "crdt/stamp.h"\n')
        self.finds("bindings must not see hub", layers.check,
                   bindings__a_dot_h='#include "hub/room.h"\n')

    def test_finds_that_tests_are_included(self):
        self.finds("cli must not see tests", layers.check, cli__a_dot_cc='# include "tests/a.h"\n')

    def test_finds_sqlite_in_the_seam_and_the_memory_store(self):
        self.finds("know no SQLite", layers.check,
                   store__memory_dot_cc='#include "store/sqlite/database.h"\n')

    def test_finds_more_of_the_sqlite_store_in_the_row_store_than_its_wrapper(self):
        self.passes(layers.check, store__rows__a_dot_cc='#include "store/sqlite/sql.h"\n')
        self.finds("of store/sqlite it sees", layers.check,
                   store__rows__b_dot_cc='#include "store/sqlite/engine.h"\n')
        self.finds("know no SQLite", layers.check,
                   store__memory__b_dot_cc='#include "store/sqlite/sql.h"\n')

    def test_finds_sqlite_past_its_header(self):
        self.finds("SQLite is seen through", layers.check,
                   store__sqlite__a_dot_cc="#include <sqlite3.h>\n")
        self.finds("SQLite is seen in", layers.check,
                   crdt__a_dot_cc='#include "store/sqlite/sqlite_api.h"\n')

    def test_finds_boost_below_transport(self):
        self.finds("Boost is seen in", layers.check,
                   replica__a_dot_cc="#include <boost/asio.hpp>\n")

    def test_finds_an_include_that_is_not_from_the_root(self):
        self.finds("written from the root", layers.check, base__a_dot_cc='#include "status.h"\n')
        self.finds("ours are quoted", layers.check, crdt__b_dot_cc="#include <base/status.h>\n")


class Lengths(Checks):
    def test_finds_a_long_file(self):
        self.finds("401 lines", lengths.check, base__a_dot_cc="\n" * 401)
        self.finds("402 lines", lengths.check, scripts__a_dot_py="\n" * 402)

    def test_finds_a_long_function(self):
        long_body = "  int a;\n" * 70
        self.finds("a.cc:Foo::Bar: 72", lengths.check,
                   base__a_dot_cc="int Foo::Bar(int a) const {\n" + long_body + "}\n")
        self.finds("b.py:f: 71", lengths.check, tests__b_dot_py="def f():\n" + "    a = 1\n" * 70)

    def test_reads_the_shapes_of_cpp(self):
        code = """
            namespace a { extern "C" {
            template <class T, std::convertible_to<int> U = std::vector<T>>
            class A final : public B<int(int)> {
             public:
              A(int b) : b_{b}, c_(1) { f(); }
              bool operator==(const A&) const = default;
              bool operator<(const A& o) const noexcept { return b_ < o.b_; }
              ~A() {}
             private:
              int b_{0};
              enum class E : char { kA, kB };
            };
            struct stat Stat(int a) {
              auto f = [](int b) { return "}" + b; };  // }
            #define M {
              return {a};
            }
            const int kTable[] = {1, 2};
            TEST(Suite, Name) { }
            template <class T> auto Trailing(T a) -> T { return 1'000 + '{'; }
            }}"""
        self.assertEqual(
            list(lengths.cpp_functions(code)),
            [("A", 1), ("operator<", 1), ("~A", 1), ("Stat", 5), ("TEST(Suite,Name)", 1),
             ("Trailing", 1)])

    def test_ratchet_excuses_what_it_lists_and_only_shrinks(self):
        self.write(lengths.RATCHET, "base/a.cc 410 a table that reads as one\n")
        self.passes(lengths.check, base__a_dot_cc="\n" * 410)
        self.finds("411 lines, at most 410", lengths.check, base__a_dot_cc="\n" * 411)
        self.finds("lower 410 to 405", lengths.check, base__a_dot_cc="\n" * 405)
        self.finds("remove this line", lengths.check, base__a_dot_cc="\n" * 400)

    def test_ratchet_wants_a_reason(self):
        self.write(lengths.RATCHET, "base/a.cc 410\n")
        self.finds("not `name lines reason`", lengths.check, base__a_dot_cc="\n")


class Calls(Checks):
    def test_finds_each_kind(self):
        for call in ("time(nullptr)", "std::time(nullptr)", "::clock_gettime(0, &t)", "rand()",
                     "std::random_device d", "getenv(x)", "return sleep(1)", "std::thread t(f)",
                     "fopen(a, b)", "::open(a, b)", "printf(a)", "std::cout << 1", "std::cerr << 1",
                     "std::chrono::steady_clock::now()", "std::this_thread::yield()",
                     "socket(AF_INET, SOCK_STREAM, 0)", "::getaddrinfo(a, b, c, &d)"):
            with self.subTest(call):
                self.finds("outside its seam", calls.check, crdt__a_dot_cc=f"void F() {{ {call}; }}\n")

    def test_leaves_alone_what_only_looks_like_it(self):
        self.passes(calls.check, store__a_dot_cc="""
            // time(nullptr) and std::cout
            Instant time() const; const Link& open(int a);
            auto a = clock.time(); b->open(1); Database::open(2); snprintf(c, 1, "rand()");
            wall_time(3); sqlite3_open(4);""")

    def test_seams_may(self):
        for name in ("base__os_posix_dot_cc", "transport__a_dot_cc", "tests__base__a_dot_cc"):
            self.passes(calls.check, **{name: "int a = time(nullptr);\n"})
        self.finds("outside its seam", calls.check, base__clock_dot_cc="int a = time(nullptr);\n")


class Words(Checks):
    def test_finds_what_is_unfinished(self):
        for word in [*words.UNFINISHED, words.MAKESHIFT, words.MAKESHIFT.capitalize(),
                     words.MAKESHIFT.replace(" ", "\n")]:
            with self.subTest(word):
                self.finds("finish it", words.check, docs__a_dot_md=f"This works {word}.\n")

    def test_leaves_alone_what_only_looks_like_it(self):
        self.passes(words.check, docs__a_dot_md="CREATE TABLE todo; mkstemp X" "XXXXX; for nowhere\n")

    def test_finds_a_folder_that_says_nothing(self):
        self.finds("a folder named utils", words.check, base__utils__a_dot_h="\n")

    def test_finds_a_path_out_of_the_repository_but_for_test_data(self):
        self.passes(words.check, tests__a_dot_py=f"'{words.ELSEWHERE}/data/a.db'\n")
        self.finds("outside the repository", words.check, tests__b_dot_py=words.ELSEWHERE + "/x\n")
        self.finds("outside the repository", words.check, cli__a_dot_cc=words.ELSEWHERE + "/data\n")


class Listed(Checks):
    def test_finds_a_source_that_nothing_builds(self):
        self.finds("b.cc: no CMakeLists.txt", listed.check, base__b_dot_cc="\n",
                   base__CMakeLists_dot_txt="rejoin_library(x SOURCES a.cc bb.cc # b.cc\n)\n")

    def test_knows_names_from_folders_above(self):
        self.passes(listed.check, store__sqlite__a_dot_cc="\n", store__b_dot_cc="\n",
                    store__CMakeLists_dot_txt=(
                        "rejoin_library(x SOURCES sqlite/a.cc ${CMAKE_CURRENT_SOURCE_DIR}/b.cc)\n"))


class Headers(Checks):
    def test_finds_a_header_that_needs_another(self):
        os.environ["REJOIN_BUILD_DIR"] = str(self.root / "build")
        self.passes(headers.check, base__a_dot_h="#pragma once\n#include <string>\nstd::string F();\n")
        self.finds("base/b.h: does not compile alone", headers.check,
                   base__b_dot_h="#pragma once\nstd::string F();\n")

    def test_finds_a_header_without_a_guard(self):
        os.environ["REJOIN_BUILD_DIR"] = str(self.root / "build")
        self.finds("does not compile alone", headers.check, base__a_dot_h="struct A {};\n")
        self.finds("does not say #pragma once", headers.check, base__a_dot_h="struct A {};\n",
                   base__a_dot_cc='#include "base/a.h"\n')


class Reading(unittest.TestCase):
    def test_blanks_comments_and_literals_and_keeps_the_lines(self):
        code = 'a /* x\n y */ b // c\n"d\\"e" R"s(f\n")s" \'"\' 1\'000 g'
        self.assertEqual(bare(code).split(), ["a", "b", "1'000", "g"])
        self.assertEqual(bare(code).count("\n"), code.count("\n"))

    def test_sees_what_git_would_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            for name in ("a.h", "b.o", ".gitignore"):
                Path(folder, name).write_text("*.o\n")
            self.assertEqual(Tree(folder).files, [".gitignore", "a.h"])


if __name__ == "__main__":
    sys.exit(unittest.main())
