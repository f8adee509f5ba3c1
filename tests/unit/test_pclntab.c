/* SPDX-License-Identifier: MIT */
/* Tests Go's tables on small ones that are made here, in all versions, pointer sizes and byte orders; what they say is in pclntab_make.h. */
#include "test.h"

#include "pclntab_make.h"

static const struct form { const char *name; enum wb_pclntab_version version; unsigned word_size, quantum; bool big_endian; } forms[] = {
	{ "1.2, amd64", WB_PCLNTAB_1_2, 8, 1, false },
	{ "1.2, 386", WB_PCLNTAB_1_2, 4, 1, false },
	{ "1.2, ppc64", WB_PCLNTAB_1_2, 8, 4, true },
	{ "1.16, amd64", WB_PCLNTAB_1_16, 8, 1, false },
	{ "1.16, arm", WB_PCLNTAB_1_16, 4, 4, false },
	{ "1.16, s390x", WB_PCLNTAB_1_16, 8, 2, true },
	{ "1.18, amd64", WB_PCLNTAB_1_18, 8, 1, false },
	{ "1.18, mips", WB_PCLNTAB_1_18, 4, 4, true },
	{ "1.20, arm64", WB_PCLNTAB_1_20, 8, 4, false },
	{ "1.20, 386", WB_PCLNTAB_1_20, 4, 1, false },
	{ "1.20, s390x", WB_PCLNTAB_1_20, 8, 2, true },
};
enum { NUM_FORMS = sizeof(forms) / sizeof(forms[0]) };

static void make(struct pclntab_make *m, const struct form *form)
{
	pclntab_make(m, form->version, form->word_size, form->quantum, form->big_endian);
}

static enum wb_err open_made(const struct pclntab_make *m, struct wb_pclntab *table)
{
	enum wb_err err = wb_pclntab_open(m->bytes, m->size, PCLNTAB_ADDRESS, m->big_endian, table);

	if (!err) {
		table->data = PCLNTAB_ADDRESS;
		table->has_data = true;
	}
	return err;
}

static void reads_functions(void)
{
	for (size_t i = 0; i < NUM_FORMS; i++) {
		struct wb_go_function function = { .index = 0 };
		struct wb_pclntab table;
		struct pclntab_make m;

		test_row(forms[i].name);
		make(&m, &forms[i]);
		REQUIRE(open_made(&m, &table) == WB_OK);
		CHECK_EQ_U64(table.version, forms[i].version);
		CHECK_EQ_U64(table.num_functions, 2);
		CHECK(wb_pclntab_find(&table, 0xfff, &function) == WB_NONE);
		REQUIRE(wb_pclntab_find(&table, 0x1000, &function) == WB_OK);
		CHECK_EQ_U64(function.start, 0x1000);
		CHECK_EQ_U64(function.end, 0x1040);
		CHECK_STR(wb_pclntab_name(&table, &function), "main.outer");
		CHECK_EQ_U64(function.start_line, forms[i].version == WB_PCLNTAB_1_20 ? 9 : 0);
		CHECK_STR(wb_pclntab_file(&table, &function, 1), "a.go");
		REQUIRE(wb_pclntab_find(&table, 0x105f, &function) == WB_OK);
		CHECK_STR(wb_pclntab_name(&table, &function), "main.last");
		CHECK_EQ_U64(function.id, 21);
		CHECK(wb_pclntab_find(&table, 0x1060, &function) == WB_NONE);
	}
}

static void reads_values(void)
{
	static const struct { uint64_t pc; int32_t sp, line; } table_of[] = {
		{ 0x1000, 0, 10 }, { 0x1003, 0, 10 }, { 0x1004, 24, 10 }, { 0x1010, 24, 30 }, { 0x101f, 24, 30 }, { 0x1020, 24, 20 }, { 0x1037, 24, 20 },
		{ 0x1038, 0, 20 }, { 0x103f, 0, 20 },
	};

	for (size_t i = 0; i < NUM_FORMS; i++) {
		struct wb_go_function function;
		struct wb_pclntab table;
		struct pclntab_make m;
		int32_t value = 99;

		test_row(forms[i].name);
		make(&m, &forms[i]);
		REQUIRE(open_made(&m, &table) == WB_OK && wb_pclntab_function(&table, 0, &function) == WB_OK);
		for (size_t j = 0; j < sizeof(table_of) / sizeof(table_of[0]); j++) {
			CHECK(wb_pclntab_value(&table, &function, function.sp, table_of[j].pc, &value) == WB_OK && value == table_of[j].sp);
			CHECK(wb_pclntab_value(&table, &function, function.line, table_of[j].pc, &value) == WB_OK && value == table_of[j].line);
		}
		CHECK(wb_pclntab_value(&table, &function, function.sp, 0x1040, &value) == WB_NONE);
		CHECK(wb_pclntab_value(&table, &function, 0, 0x1000, &value) == WB_NONE);
	}
}

static void expands_inlined_calls(void)
{
	for (size_t i = 0; i < NUM_FORMS; i++) {
		struct wb_pclntab table;
		struct pclntab_make m;
		struct wb_go_sites sites;
		struct wb_go_site site;

		test_row(forms[i].name);
		make(&m, &forms[i]);
		REQUIRE(open_made(&m, &table) == WB_OK && wb_go_sites_begin(&table, 0x1014, &sites) == WB_OK);
		REQUIRE(wb_go_sites_next(&sites, &site) == WB_OK);
		CHECK_STR(site.name, "main.inner");
		CHECK_STR(site.file, "a.go");
		CHECK_EQ_U64(site.line, 30);
		CHECK_EQ_U64(site.start_line, forms[i].version == WB_PCLNTAB_1_20 ? 29 : 0);
		CHECK(site.is_inlined);
		REQUIRE(wb_go_sites_next(&sites, &site) == WB_OK);
		CHECK_STR(site.name, "main.outer");
		CHECK_EQ_U64(site.line, 10);
		CHECK(!site.is_inlined);
		CHECK(wb_go_sites_next(&sites, &site) == WB_NONE);
		REQUIRE(wb_go_sites_begin(&table, 0x1050, &sites) == WB_OK && wb_go_sites_next(&sites, &site) == WB_OK);
		CHECK_STR(site.name, "main.last");
		CHECK_STR(site.file, "b.go");
		CHECK_EQ_U64(site.line, 7);
		CHECK(wb_go_sites_next(&sites, &site) == WB_NONE);
	}
}

/* A call that says it is called inside of itself comes to an end, and the function is named all the same. */
static void ends_circles(void)
{
	struct wb_pclntab table;
	struct pclntab_make m;
	struct wb_go_sites sites;
	struct wb_go_site site;
	enum wb_err err = WB_OK;
	unsigned count = 0;

	make(&m, &forms[9]);
	pclntab_store(&m, PCLNTAB_TREE + 8, 0x14, 4);
	REQUIRE(open_made(&m, &table) == WB_OK && wb_go_sites_begin(&table, 0x1014, &sites) == WB_OK);
	while (!err) {
		err = wb_go_sites_next(&sites, &site);
		count++;
	}
	CHECK(err == WB_ERR_DATA && count > 100);
	CHECK(wb_go_sites_next(&sites, &site) == WB_OK);
	CHECK_STR(site.name, "main.outer");
	CHECK(wb_go_sites_next(&sites, &site) == WB_NONE);
}

static void use_all(const struct wb_pclntab *table)
{
	for (uint64_t pc = 0xff0; pc < 0x1070; pc += 3) {
		struct wb_go_sites sites;
		struct wb_go_site site;
		enum wb_err err = wb_go_sites_begin(table, pc, &sites);

		CHECK(err == WB_OK || err == WB_NONE || err == WB_ERR_DATA);
		for (unsigned i = 0; err == WB_OK && i < 1000; i++)
			err = wb_go_sites_next(&sites, &site);
	}
}

/* Every prefix, and every byte with each of its bits turned: nothing is read outside (the sanitizers watch), and everything ends. */
static void survives_damage(void)
{
	for (size_t i = 0; i < NUM_FORMS; i++) {
		struct wb_pclntab table;
		struct pclntab_make m;

		test_row(forms[i].name);
		make(&m, &forms[i]);
		for (size_t size = 0; size < m.size; size += 7) {
			uint8_t *prefix = malloc(size + 1);

			memcpy(prefix, m.bytes, size);
			if (wb_pclntab_open(prefix, size, PCLNTAB_ADDRESS, m.big_endian, &table) == WB_OK)
				use_all(&table);
			free(prefix);
		}
		for (size_t bit = 0; bit < 8 * m.size; bit += 5) {
			m.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (open_made(&m, &table) == WB_OK)
				use_all(&table);
			m.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void refuses_others(void)
{
	struct wb_pclntab table;
	struct pclntab_make m;

	make(&m, &forms[8]);
	CHECK(wb_pclntab_is_header(m.bytes, m.size, false));
	CHECK(!wb_pclntab_is_header(m.bytes, m.size, true));
	CHECK(!wb_pclntab_is_header(m.bytes, 7, false));
	/* As garble leaves it: another magic. */
	m.bytes[0] ^= 0x55;
	CHECK(wb_pclntab_open(m.bytes, m.size, PCLNTAB_ADDRESS, false, &table) == WB_NONE);
	CHECK(wb_pclntab_open_as(m.bytes, m.size, PCLNTAB_ADDRESS, false, WB_PCLNTAB_1_20, &table) == WB_OK && table.num_functions == 2);
	CHECK(wb_pclntab_open_as(m.bytes, m.size, PCLNTAB_ADDRESS, false, WB_PCLNTAB_1_16, &table) == WB_ERR_DATA);
	CHECK(wb_pclntab_open_as(m.bytes, m.size, UINT64_MAX - 8, false, WB_PCLNTAB_1_20, &table) == WB_ERR_DATA);
	/* The word where text starts is 0 since 1.26: without it there are no functions. */
	make(&m, &forms[8]);
	pclntab_store(&m, 8 + 16, 0, 8);
	CHECK(wb_pclntab_open(m.bytes, m.size, PCLNTAB_ADDRESS, false, &table) == WB_OK && !table.has_text);
}

int main(void)
{
	TEST_RUN(reads_functions);
	TEST_RUN(reads_values);
	TEST_RUN(expands_inlined_calls);
	TEST_RUN(ends_circles);
	TEST_RUN(survives_damage);
	TEST_RUN(refuses_others);
	return test_summary();
}
