/* SPDX-License-Identifier: MIT */
/* A build without libunicorn. */
#include "machine.h"

#include <errno.h>

int machine_start_emulator(struct machine *machine, char *const *arguments, bool from_entry, const char *root)
{
	(void)arguments;
	(void)from_entry;
	(void)root;
	*machine = (struct machine){ .ops = NULL };
	errno = ENOSYS;
	return -1;
}
