/* SPDX-License-Identifier: MIT */
/* Calls through the procedure linkage table, bound on their first use; callbacks out of a shared object; dlopen is left to the dynamic linker's own. */
#include "library.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int back(int n)
{
	return abs(n) + toupper(n);
}

int main(void)
{
	volatile double x = 2;
	char text[80];
	struct tm *tm;
	time_t now = 86400;

	snprintf(text, sizeof(text), "%d %.3f", library_call(back, 3), library_mixed(1, x, "text", 4, 5));
	tm = gmtime(&now);
	return strlen(text) + (size_t)pow(x, 3) + (tm ? strftime(text, sizeof(text), "%F", tm) : 0) == 0;
}
