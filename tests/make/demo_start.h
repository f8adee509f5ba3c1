/* SPDX-License-Identifier: MIT */
/* What the demonstration program has instead of a libc: start, exit, sorting, a timer signal. */
#ifndef MAKE_DEMO_START_H
#define MAKE_DEMO_START_H

#ifdef __cplusplus
extern "C" {
#endif

typedef int (*demo_compare_fn)(const void *a, const void *b);

int demo_main(void);
/* Sorts ints by a comparison that sees their addresses. */
void demo_sort(int *items, int count, demo_compare_fn compare);
/* Calls handler in a signal handler every so many microseconds of processor time. */
void demo_on_timer(void (*handler)(int), long microseconds);

#ifdef __cplusplus
}
#endif
#endif
