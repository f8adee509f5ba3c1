/* SPDX-License-Identifier: MIT */
/* Locks over POSIX threads. */
#include "base/lock.h"

#include <unistd.h>

void wb_lock_init(struct wb_lock *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

void wb_lock_deinit(struct wb_lock *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

void wb_lock_take(struct wb_lock *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

void wb_lock_give(struct wb_lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

unsigned wb_lock_processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}
