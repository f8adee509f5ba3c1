/* SPDX-License-Identifier: MIT */
/* Functions for Windows without any library, whose unwind codes are of every kind that compilers write: saved registers, small and large frames, saved
 * vector registers, a frame pointer. */
int _fltused;

void __chkstk(void)
{
}

void *memset(void *to, int value, unsigned long long count)
{
	volatile char *at = to;

	while (count--)
		*at++ = (char)value;
	return to;
}

__attribute__((noinline)) int leaf(int a)
{
	return a * 3;
}

__attribute__((noinline)) int few(int a, int b)
{
	return leaf(a) + leaf(b) * a;
}

__attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f)
{
	int u = few(a, b), v = few(c, d), w = few(e, f), x = few(a, f), y = few(b, e), z = few(c, a);

	return u * v + w * x + y * z + few(u, v) + few(w, x);
}

__attribute__((noinline)) int large(int n)
{
	volatile char bytes[3000];

	bytes[n] = 1;
	return few(bytes[1], n);
}

__attribute__((noinline)) int huge(int n)
{
	volatile char bytes[600000];

	bytes[n] = 1;
	return few(bytes[1], n);
}

__attribute__((noinline)) double floats(double a, double b)
{
	double x = few((int)a, (int)b), y = few((int)b, (int)x);

	return x * y + a * b + few((int)x, (int)y);
}

__attribute__((noinline)) int dynamic(int n)
{
	volatile char *bytes = __builtin_alloca((unsigned long long)n);

	bytes[0] = 1;
	return few(bytes[0], n);
}

int entry(void)
{
	return many(1, 2, 3, 4, 5, 6) + large(3) + huge(4) + (int)floats(1, 2) + dynamic(20);
}
