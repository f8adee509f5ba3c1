// SPDX-License-Identifier: MIT
// Ways to die: `crash NAME` ends the process as NAME says, below three functions of its own. What live.sh makes cores of.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdexcept>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone))
// Keeps a call from becoming a jump, and what was computed from being known.
#define AFTER() __asm__ volatile("" ::: "memory")

namespace {

volatile int *volatile nowhere;
volatile int zero;
sem_t all_wait;
stack_t other_stack;

using death = void (*)();

KEEP void null_write() { *nowhere = 1; AFTER(); }
KEEP void divide() { zero = 7 / zero; AFTER(); }
KEEP void illegal() { __builtin_trap(); }
KEEP void call_zero() { reinterpret_cast<void (*)()>(const_cast<int *>(nowhere))(); AFTER(); }
KEEP void call_wild() { reinterpret_cast<void (*)()>(uintptr_t(0x1234567890))(); AFTER(); }
KEEP void call_heap() { reinterpret_cast<void (*)()>(malloc(64))(); AFTER(); }
KEEP void give_up() { abort(); }
KEEP void throw_up() { throw std::runtime_error("nobody catches this"); }
KEEP void non_canonical() { nowhere = reinterpret_cast<volatile int *>(UINT64_C(0x8000000000000000) >> (8 * (8 - sizeof(void *)))); *nowhere = 1; AFTER(); }
KEEP void free_twice() { void *volatile p = malloc(100); free(p); free(p); AFTER(); }
KEEP void bus() {
	FILE *file = tmpfile();
	void *p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	*static_cast<volatile char *>(p) = 1;
	AFTER();
}
KEEP void write_code() { *reinterpret_cast<volatile char *>(&give_up) = 1; AFTER(); }
// Who runs this in the background has it ignore the signal.
KEEP void kill_self() { signal(SIGQUIT, SIG_DFL); kill(getpid(), SIGQUIT); pause(); }

KEEP int deeper(int n) {
	volatile char big[4096];
	if (zero)
		return n;
	big[0] = char(n);
	int result = deeper(n + 1) + big[0];
	AFTER();
	return result;
}
KEEP void overflow() { zero = deeper(0); AFTER(); }

// The return address and what is around it is overwritten, so that the function returns to nowhere.
KEEP void smash() {
	volatile uintptr_t *frame = static_cast<uintptr_t *>(__builtin_frame_address(0));
	for (int i = 0; i < 4; i++)
		frame[i] = 0x4141414141414141 & UINTPTR_MAX;
	AFTER();
}

struct cleaner { ~cleaner() { null_write(); AFTER(); } };
KEEP void die_unwinding() { cleaner c; throw std::string("a destructor crashes while this is thrown"); }
KEEP void in_destructor() { try { die_unwinding(); } catch (const std::string &) { AFTER(); } }
KEEP void thrower() noexcept { throw_up(); AFTER(); }

void on_signal(int) { null_write(); AFTER(); }
KEEP void in_handler() { signal(SIGUSR1, on_signal); raise(SIGUSR1); AFTER(); }
KEEP void on_other_stack() {
	struct sigaction action = {};
	other_stack.ss_size = 65536;
	other_stack.ss_sp = malloc(other_stack.ss_size);
	sigaltstack(&other_stack, nullptr);
	action.sa_handler = on_signal;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, nullptr);
	raise(SIGUSR1);
	AFTER();
}

KEEP void *wait_here(void *) { sem_post(&all_wait); for (;;) pause(); }
KEEP void *die_here(void *) { null_write(); AFTER(); return nullptr; }
KEEP void threads(int count) {
	pthread_t id;
	sem_init(&all_wait, 0, 0);
	for (int i = 0; i < count; i++)
		pthread_create(&id, nullptr, wait_here, nullptr);
	for (int i = 0; i < count; i++)
		sem_wait(&all_wait);
	// Those that posted are on their way into pause().
	timespec nap = { 0, 100 * 1000 * 1000 };
	nanosleep(&nap, nullptr);
	pthread_create(&id, nullptr, die_here, nullptr);
	pthread_join(id, nullptr);
}
KEEP void some_threads() { threads(4); AFTER(); }
KEEP void many_threads() { threads(99); AFTER(); }

// A gigabyte that nobody wrote to but in a few places: the core is as large, and nearly all holes.
KEEP void sparse() {
	size_t size = size_t(1) << 30;
	char *p = static_cast<char *>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	for (size_t at = 0; at < size; at += size / 16)
		p[at] = 1;
	threads(99);
	AFTER();
}
KEEP void wait_for_ever() { for (;;) pause(); }

const struct { const char *name; death die; } deaths[] = {
	{ "null", null_write }, { "divide", divide }, { "illegal", illegal }, { "call-zero", call_zero }, { "call-wild", call_wild },
	{ "call-heap", call_heap }, { "abort", give_up }, { "throw", throw_up }, { "noexcept", thrower }, { "destructor", in_destructor },
	{ "non-canonical", non_canonical }, { "free-twice", free_twice }, { "bus", bus }, { "write-code", write_code }, { "kill", kill_self },
	{ "overflow", overflow }, { "smash", smash }, { "handler", in_handler }, { "other-stack", on_other_stack }, { "threads", some_threads },
	{ "many", many_threads }, { "sparse", sparse }, { "wait", wait_for_ever },
};

KEEP void third(death die) { die(); AFTER(); }
KEEP void second(death die) { third(die); AFTER(); }
KEEP void first(death die) { second(die); AFTER(); }

} // namespace

int main(int argc, char **argv)
{
	for (const auto &death : deaths)
		if (argc > 1 && !strcmp(death.name, argv[1]))
			first(death.die);
	return 2;
}
