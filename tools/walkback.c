/* SPDX-License-Identifier: MIT */
/* The command `walkback`: picks the subcommand. */

#include <stdio.h>

const char *wb_version(void);

int main(void)
{
	printf("walkback %s\n", wb_version());
	return 0;
}
