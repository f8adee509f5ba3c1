/* SPDX-License-Identifier: MIT */
/*
 * Go's tables: the first byte says the byte order and the version to take them for where the magic does not tell, the rest is the table. Every function,
 * its values and its sites are read. Functions are found where they say they are; runs of values go up; chains of sites end; strings are inside.
 */
#include "fuzz/fuzz.h"
#include "model/pclntab.h"

#include <string.h>

enum {
	ADDRESS = 0x8000,
	FUNCTIONS_MAX = 50,           /* of an input */
	RUNS_MAX = 200,
};

static void check_string(const struct wb_pclntab *table, const char *string)
{
	const char *start = (const char *)table->bytes.start;

	if (!string || !strcmp(string, "?"))
		return;
	FUZZ_ASSERT(string >= start && string + strlen(string) < start + wb_bytes_size(&table->bytes));
}

static void check_sites(const struct wb_pclntab *table, uint64_t image_pc)
{
	struct wb_go_sites sites;
	struct wb_go_site site;
	enum wb_err err = wb_go_sites_begin(table, image_pc, &sites);
	unsigned count = 0, broken = 0;

	if (err)
		return;
	while (err != WB_NONE && count < 2000) {
		err = wb_go_sites_next(&sites, &site);
		count++;
		broken += err < 0;
		if (err)
			continue;
		check_string(table, site.name);
		check_string(table, site.file);
	}
	FUZZ_ASSERT(count < 2000 && broken <= 1);
}

static void check_values(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset)
{
	struct wb_go_values values;
	uint64_t at = function->start;
	int32_t value;

	wb_go_values_begin(table, function, offset, &values);
	for (unsigned i = 0; i < RUNS_MAX && wb_go_values_next(&values) == WB_OK; i++) {
		FUZZ_ASSERT(values.start == at && values.end >= values.start);
		if (values.end > values.start) {
			FUZZ_ASSERT(wb_pclntab_value(table, function, offset, values.start, &value) == WB_OK && value == values.value);
			check_sites(table, values.start);
		}
		at = values.end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_pclntab table;

	if (size == 0)
		return 0;
	if (wb_pclntab_open(bytes + 1, size - 1, ADDRESS, bytes[0] & 1, &table) &&
	    wb_pclntab_open_as(bytes + 1, size - 1, ADDRESS, bytes[0] & 1, (enum wb_pclntab_version)(bytes[0] >> 1 & 3), &table))
		return 0;
	table.data = ADDRESS;
	table.has_data = true;
	if (!table.has_text) {
		table.text = 0x1000;
		table.has_text = true;
	}
	for (uint32_t i = 0; i < table.num_functions && i < FUNCTIONS_MAX; i++) {
		struct wb_go_function function;

		if (wb_pclntab_function(&table, i, &function))
			continue;
		FUZZ_ASSERT(function.start <= function.end);
		check_string(&table, wb_pclntab_name(&table, &function));
		check_values(&table, &function, function.sp);
		check_values(&table, &function, function.line);
	}
	return 0;
}
