/* SPDX-License-Identifier: MIT */
/* What tests/unit/test_aliases.c compiles: one function under many names, and one that is chosen when the program starts. */
int sink;

__attribute__((noinline)) int work(int x)
{
	return x * sink;
}
int __work(int x) __attribute__((alias("work")));
int _weak_work(int x) __attribute__((weak, alias("work")));
static int local_work(int x) __attribute__((used, alias("work")));

__attribute__((used)) static int (*choose(void))(int)
{
	return work;
}
int chosen(int x) __attribute__((ifunc("choose")));

int main(int argc, char **argv)
{
	(void)argv;
	return work(argc) + local_work(argc) + chosen(argc);
}
