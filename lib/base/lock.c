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

void wb_signal_init(struct wb_signal *signal)
{
	pthread_cond_init(&signal->cond, NULL);
}

void wb_signal_deinit(struct wb_signal *signal)
{
	pthread_cond_destroy(&signal->cond);
}

void wb_signal_wait(struct wb_signal *signal, struct wb_lock *lock)
{
	pthread_cond_wait(&signal->cond, &lock->mutex);
}

void wb_signal_all(struct wb_signal *signal)
{
	pthread_cond_broadcast(&signal->cond);
}

unsigned wb_lock_processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}
