/* SPDX-License-Identifier: MIT */
/*
 * What comparisons of rows with another tool have in common: the objects, the counting, and what they say in the end. An address that two FDEs claim has the
 * row of one of them only: rows that come from the other one are counted and left out.
 */
#ifndef TESTS_ORACLE_ROWS_H
#define TESTS_ORACLE_ROWS_H

#include <walkback/walkback.h>

#include "test.h"

struct rows {
	struct wb_session *session;
	struct wb_image *image;
	size_t fdes, rows, other_fde, wrong;
};

/* Compares the row of every FDE of .eh_frame in the file at path. */
typedef void (*rows_compare_fn)(struct rows *rows, const char *path);

enum { ROWS_TOLD_MAX = 20 };      /* differences; the rest are counted */

static inline bool rows_compare_object(const char *path, rows_compare_fn compare)
{
	struct rows rows = { .rows = 0 };

	if (access(path, R_OK) != 0)
		return false;
	test_row(path);
	if (CHECK(wb_session_new(NULL, &rows.session) == WB_OK) && CHECK(wb_image_open(rows.session, path, &rows.image) == WB_OK))
		compare(&rows, path);
	printf("%s: %zu FDEs, %zu rows, %zu of other FDEs, %zu differences\n", path, rows.fdes, rows.rows, rows.other_fde, rows.wrong);
	CHECK_EQ_U64(rows.wrong, 0);
	CHECK(rows.other_fde <= rows.rows / 100);
	CHECK(rows.rows > 0);
	wb_image_unref(rows.image);
	wb_session_free(rows.session);
	test_row(NULL);
	return true;
}

/* The large libraries and programs of x86-64, where distributions have them; false: none is there. */
static inline bool rows_compare_libraries(rows_compare_fn compare)
{
	static const char *const paths[] = {
		"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib64/libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib64/libcrypto.so.3", "/usr/bin/python3", "/usr/bin/node",
	};
	unsigned compared = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		compared += rows_compare_object(paths[i], compare);
	return compared > 0;
}

#endif
