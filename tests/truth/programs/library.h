/* SPDX-License-Identifier: MIT */
#ifndef TRUTH_LIBRARY_H
#define TRUTH_LIBRARY_H

extern int library_state;
int library_call(int (*back)(int), int n);
double library_mixed(int a, double b, const char *c, float d, long e);

#endif
