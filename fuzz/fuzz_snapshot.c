/* SPDX-License-Identifier: MIT */
/* The texts of snapshot folders. Lines lie inside the input, in order, without spaces around them; what is parsed keeps its promises. */
#include "formats/snapshot_text.h"

#include "fuzz.h"

#include <string.h>

static void check_map(struct wb_snapshot_span line)
{
	struct wb_snapshot_span rest = line;
	struct wb_mapping mapping = { 0 };

	if (!wb_snapshot_parse_map(&rest, &mapping))
		return;
	FUZZ_ASSERT(mapping.start < mapping.end);
	FUZZ_ASSERT((mapping.prot & ~7u) == 0);
	FUZZ_ASSERT(rest.at >= line.at && rest.at <= rest.end && rest.end == line.end);
}

static void check_reg(struct wb_snapshot_span line)
{
	struct wb_snapshot_reg reg;

	if (wb_snapshot_parse_reg(line, &reg))
		FUZZ_ASSERT(memchr(reg.name, 0, sizeof(reg.name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* A copy of the exact size, so that the sanitizer sees a read past the end. */
	char *copy = malloc(size ? size : 1);
	struct wb_snapshot_text text = { copy, size, 0, 0 };
	struct wb_snapshot_span line;
	const char *last = copy;

	if (size)
		memcpy(copy, bytes, size);
	while (wb_snapshot_next_line(&text, &line)) {
		FUZZ_ASSERT(line.at >= last && line.at < line.end && line.end <= copy + size);
		FUZZ_ASSERT(!strchr(" \t\r", *line.at) || !*line.at);
		last = line.end;
		check_map(line);
		check_reg(line);
	}
	FUZZ_ASSERT(text.at == size);
	free(copy);
	return 0;
}
