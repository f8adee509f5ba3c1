/* SPDX-License-Identifier: MIT */
/* Locks, threads and publish-once pointers. One of the two files with operating system headers behind it. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct wb_lock { pthread_mutex_t mutex; };
void wb_lock_init(struct wb_lock *lock);
void wb_lock_deinit(struct wb_lock *lock);
void wb_lock_take(struct wb_lock *lock);
void wb_lock_give(struct wb_lock *lock);

/* Something that a lock's holder waits for: waiting gives the lock up and takes it again. Wakes up without a reason, too. */
struct wb_signal { pthread_cond_t cond; };
void wb_signal_init(struct wb_signal *signal);
void wb_signal_deinit(struct wb_signal *signal);
void wb_signal_wait(struct wb_signal *signal, struct wb_lock *lock);
void wb_signal_all(struct wb_signal *signal);

/* Processors that are online, at least 1. */
unsigned wb_lock_processors(void);

#endif
