/* SPDX-License-Identifier: MIT */
/* The built-in demangler: languages, what toolchains append, and limits. Expected: c++filt 2.40, and the manglings' documents. */

#include "symbols/demangle.h"

#include "config.h"
#include "test.h"

static const struct {
	const char *name, *expect; /* NULL: not mangled */
} table[] = {
	{ "main", NULL },
	{ "", NULL },
	{ "_", NULL },
	{ "_start", NULL },
	{ "__libc_start_main", NULL },
	{ "_ZQ", NULL },
	{ "_DYNAMIC", NULL },
	{ "foo.part.0", NULL },
	{ "_Z3fooi", "foo(int)" },
	{ "_ZN3foo3barEv", "foo::bar()" },
	{ "_ZN3foo3barEv.cold", "foo::bar() [clone .cold]" },
	{ "_ZN3foo3barEv.part.0.constprop.1", "foo::bar() [clone .part.0] [clone .constprop.1]" },
	{ "_ZN3foo3barEv.llvm.12345", "foo::bar()" },
	{ "_ZN3foo3barEv.llvm.12345.cold", "foo::bar() [clone .cold]" },
	{ "_ZN3foo3barEv@plt", "foo::bar()@plt" },
	{ "_ZN3foo3barEv@@V_1.0", "foo::bar()" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)" },
	{ "_GLOBAL__sub_I_main", "_GLOBAL__sub_I_main" },
	/* Rust legacy: the hash goes; v0 (RFC 2603). */
	{ "_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write" },
	{ "_ZN4core3fmt5write17h0123456789abcdefE.llvm.123", "core::fmt::write" },
	{ "_RNvC6_123foo3bar", "123foo::bar" },
	/* D (dlang.org/spec/abi.html#name_mangling). */
	{ "_D8demangle4testFZv", "demangle.test()" },
	{ "_Dmain", "D main" },
};

static void demangles(void)
{
	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char buffer[256] = "";
		test_row(table[i].name);
		enum wb_err err = wb_demangle_builtin(NULL, table[i].name, buffer, sizeof buffer);
		/* "_GLOBAL__sub_I_main" has no mangled part: as it is, or not mangled, are both right. */
		if (table[i].expect && strcmp(table[i].name, table[i].expect) == 0)
			continue;
		CHECK_EQ_I64(err, table[i].expect ? WB_OK : WB_NONE);
		if (err == WB_OK)
			CHECK_STR(buffer, table[i].expect);
	}
	test_row(NULL);
}

static void keeps_to_the_buffer(void)
{
	char buffer[16];

	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	/* "foo::bar()" is 10 bytes, 11 with its end. */
	memset(buffer, '#', sizeof buffer);
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_ZN3foo3barEv", buffer, 10), WB_NONE);
	CHECK(buffer[10] == '#');
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_ZN3foo3barEv", buffer, 11), WB_OK);
	CHECK_STR(buffer, "foo::bar()");
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_ZN3foo3barEv", buffer, 0), WB_NONE);
	/* "@plt" must fit as well: 14 bytes and the end. */
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_ZN3foo3barEv@plt", buffer, 14), WB_NONE);
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_ZN3foo3barEv@plt", buffer, 15), WB_OK);
}

/* A template of templates, each naming the one before twice: 2^40 times "int". */
static void stops_at_exponential_output(void)
{
	enum { SIZE = 1 << 20 };
	char name[1024] = "_Z1fI", *buffer = malloc(SIZE);
	size_t n = strlen(name);

	if (!WB_HAVE_LIBIBERTY) {
		free(buffer);
		TEST_SKIP("libiberty is not in this build");
	}
	/* S_ is `a`; then X<S_, S_> is S0_, X<S0_, S0_> is S1_, ... each doubles what is printed. */
	n += (size_t)sprintf(name + n, "1a");
	for (int i = 0; i < 30; i++) {
		char ref[8] = "S_";
		if (i > 0)
			snprintf(ref, sizeof ref, "S%c_", i <= 10 ? '0' + i - 1 : 'A' + i - 11);
		n += (size_t)sprintf(name + n, "1%cI%s%sE", 'A' + i % 26, ref, ref);
	}
	sprintf(name + n, "EvT_");
	enum wb_err err = wb_demangle_builtin(NULL, name, buffer, SIZE);
	CHECK(err == WB_OK || err == WB_NONE); /* and soon */
	free(buffer);
}

static void refuses_long_and_deep_names(void)
{
	enum { SIZE = 1 << 17 };
	char *name = malloc(SIZE), *buffer = malloc(SIZE);

	/* Pointers to pointers: one level of nesting a byte. */
	memset(name, 'P', SIZE);
	memcpy(name, "_Z1f", 4);
	name[5000] = 'i';
	name[5001] = '\0';
	CHECK_EQ_I64(wb_demangle_builtin(NULL, name, buffer, SIZE), WB_NONE);
	/* rustc-demangle#47: a path that refers back to itself. */
	CHECK_EQ_I64(wb_demangle_builtin(NULL, "_RNvB_1a", buffer, SIZE), WB_NONE);
	/* Longer than any name that is looked at. */
	memset(name, 'a', SIZE);
	memcpy(name, "_Z70000", 7);
	memcpy(name + 70007, "v", 2);
	CHECK_EQ_I64(wb_demangle_builtin(NULL, name, buffer, SIZE), WB_NONE);
	free(name);
	free(buffer);
}

/* Long but flat, as real names of templates are: beyond what libiberty takes on by length alone. */
static void demangles_long_flat_names(void)
{
	char name[4096] = "_Z1fN", buffer[8192];
	size_t n = strlen(name);

	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	for (int i = 0; i < 60; i++)
		n += (size_t)sprintf(name + n, "38namespace_with_a_name_of_%013d", i);
	strcpy(name + n, "1tE");
	CHECK_EQ_I64(wb_demangle_builtin(NULL, name, buffer, sizeof buffer), WB_OK);
	CHECK(strlen(buffer) == strlen("f(") + 60 * 40 + strlen("t)"));
}

int main(void)
{
	TEST_RUN(demangles);
	TEST_RUN(keeps_to_the_buffer);
	TEST_RUN(stops_at_exponential_output);
	TEST_RUN(refuses_long_and_deep_names);
	TEST_RUN(demangles_long_flat_names);
	return test_summary();
}
