/* SPDX-License-Identifier: MIT */
/* The guard against files that shrink while they are mapped. */
#include "guard.h"

#include "options.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Async-signal-safe calls alone (POSIX.1-2017, 2.4.3). */
static void on_bus_error(int number)
{
	static const char line[] = "walkback: a file became shorter, or unreadable, while it was in use\n";
	ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)number;
	(void)written;
	_exit(WB_EXIT_FAILED);
}

void wb_guard_start(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_bus_error;
	sigaction(SIGBUS, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}
