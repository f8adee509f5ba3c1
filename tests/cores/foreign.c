/* SPDX-License-Identifier: MIT */
/* Dies as its argument says: for cores of other architectures, where the C library is all there is. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int *volatile nowhere;
static void (*volatile null_function)(void);

__attribute__((noinline)) static void write_null(int value)
{
	*nowhere = value;
}

/* Frames with an array, and callee-saved registers in use. */
__attribute__((noinline)) static int descend(int depth, int value)
{
	int words[16];

	memset(words, value, sizeof(words));
	if (depth)
		value = descend(depth - 1, value + words[3]);
	else
		write_null(value);
	return value + words[depth];
}

/* A frame whose size the stack pointer alone does not tell. */
__attribute__((noinline)) static int descend_dynamic(int depth)
{
	volatile char *bytes = __builtin_alloca((size_t)depth * 40 + 8);

	bytes[0] = (char)depth;
	return descend(depth, 1) + bytes[0];
}

/* Called back by the C library. */
static int compare(const void *left, const void *right)
{
	return descend_dynamic(3) + *(const int *)left - *(const int *)right;
}

static void die_callback(void)
{
	int values[] = { 3, 1, 2, 0 };

	qsort(values, 4, sizeof(values[0]), compare);
}

static void handle(int number)
{
	descend(2, number);
}

static void handle_info(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	descend(1, number);
}

__attribute__((noinline)) static void raise_and_wait(void)
{
	kill(getpid(), SIGUSR1);
	pause();
}

static void die_signal(void)
{
	signal(SIGUSR1, handle);
	raise_and_wait();
}

static void die_other_stack(void)
{
	static char stack[65536];
	struct sigaction action = { .sa_sigaction = handle_info, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise_and_wait();
}

static void *run_thread(void *arg)
{
	usleep(100000);               /* the other thread waits by then */
	descend(2, *(int *)arg);
	return NULL;
}

static void die_thread(void)
{
	pthread_t thread;
	int one = 1;

	pthread_create(&thread, NULL, run_thread, &one);
	pthread_join(thread, NULL);
}

static void die_call_null(void)
{
	null_function();
	nowhere = NULL;               /* not a tail call */
}

static void die_abort(void)
{
	abort();
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*die)(void); } deaths[] = {
		{ "callback", die_callback }, { "signal", die_signal }, { "other-stack", die_other_stack }, { "thread", die_thread },
		{ "call-null", die_call_null }, { "abort", die_abort },
	};

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		if (argc > 1 && !strcmp(argv[1], deaths[i].name))
			deaths[i].die();
	return 0;
}
