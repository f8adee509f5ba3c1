/* SPDX-License-Identifier: MIT */
/* The JSON writer: commas, escapes of RFC 8259 section 7, and UTF-8 by Unicode's table 3-7. */
#include "formats/json.h"

#include "test.h"

static const struct { const char *name, *input, *expect; } strings[] = {
	{ "plain", "main", "\"main\"" },
	{ "empty", "", "\"\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "newline and tab", "a\nb\tc", "\"a\\nb\\tc\"" },
	{ "control", "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
	{ "two bytes", "\xc3\xa9", "\"\xc3\xa9\"" },
	{ "three bytes", "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
	{ "four bytes", "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
	{ "last code point", "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
	{ "past the last", "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "overlong slash", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "overlong three", "\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "lone continuation", "a\x80z", "\"a\xef\xbf\xbdz\"" },
	{ "cut sequence", "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "cut before a letter", "\xf0\x9f\x98q", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdq\"" },
};

static void writes_strings(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct wb_out out = { 0 };
		struct wb_json json = { &out, false };

		test_row(strings[i].name);
		wb_json_string(&json, NULL, strings[i].input);
		wb_out_char(&out, '\0');
		CHECK_STR(out.bytes, strings[i].expect);
		wb_out_deinit(&out);
	}
}

static void writes_structure(void)
{
	struct wb_out out = { 0 };
	struct wb_json json = { &out, false };

	wb_json_open(&json, NULL, '{');
	wb_json_number(&json, "n", UINT64_MAX);
	wb_json_address(&json, "a", 0);
	wb_json_address(&json, "b", UINT64_MAX);
	wb_json_open(&json, "l", '[');
	wb_json_true(&json, NULL);
	wb_json_open(&json, NULL, '{');
	wb_json_close(&json, '}');
	wb_json_close(&json, ']');
	wb_json_members(&json, "", 0);
	wb_json_members(&json, ",\"x\":1", 6);
	wb_json_bytes(&json, "id", (const uint8_t *)"\x00\xff\x0a", 3);
	wb_json_close(&json, '}');
	wb_out_char(&out, '\0');
	CHECK_STR(out.bytes, "{\"n\":18446744073709551615,\"a\":\"0x0\",\"b\":\"0xffffffffffffffff\",\"l\":[true,{}],\"x\":1,\"id\":\"00ff0a\"}");
	wb_out_deinit(&out);
}

static void pads_numbers(void)
{
	struct wb_out out = { 0 };

	wb_out_decimal(&out, 5, 9);
	wb_out_char(&out, ' ');
	wb_out_decimal(&out, UINT64_MAX, 20);
	wb_out_char(&out, ' ');
	wb_out_hex(&out, 0xabc, 16);
	wb_out_char(&out, ' ');
	wb_out_hex(&out, 0, 1);
	wb_out_char(&out, '\0');
	CHECK_STR(out.bytes, "000000005 18446744073709551615 0000000000000abc 0");
	wb_out_deinit(&out);
}

static void takes_basenames(void)
{
	CHECK_STR(wb_out_basename("/usr/lib/libc.so.6"), "libc.so.6");
	CHECK_STR(wb_out_basename("[vdso]"), "[vdso]");
	CHECK_STR(wb_out_basename("dir/"), "dir/");
	CHECK_STR(wb_out_basename(""), "");
}

int main(void)
{
	TEST_RUN(writes_strings);
	TEST_RUN(writes_structure);
	TEST_RUN(pads_numbers);
	TEST_RUN(takes_basenames);
	return test_summary();
}
