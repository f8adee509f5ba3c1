/* SPDX-License-Identifier: MIT */
/* Frames of all kinds on Windows: saved registers, a frame of several pages, a frame register, saved vector registers, a leaf. */
#include <string.h>

int sink;
double from;

__attribute__((noinline)) int leaf(int a)
{
	return a * 3;
}

__attribute__((noinline)) int small(int a, int b)
{
	int r = leaf(a) + b;

	sink += r;
	return r + leaf(b);
}

__attribute__((noinline)) int big(int a)
{
	volatile char room[20000];

	memset((void *)room, a, sizeof(room));
	return room[a] + small(a, a + 1);
}

__attribute__((noinline)) int dynamic(int n)
{
	char *p = __builtin_alloca(n);

	memset(p, n, n);
	sink = p[n / 2];
	return big(n) + p[1];
}

__attribute__((noinline)) double floating(const double *v, int n)
{
	double s = from, t = from * 2, u = from * 3;

	for (int i = 0; i < n; i++) {
		s += v[i] * small(i, n);
		t -= v[i] / small(n, i);
		u *= s - t;
	}
	return s + t + u;
}

__attribute__((noinline)) int many(int a, int b, int c, int d)
{
	int e = leaf(a), f = leaf(b), g = leaf(c), h = leaf(d);

	return small(a + e, b) * small(b + f, c) + small(c + g, d) * small(d + h, a);
}

int main(void)
{
	double v[3] = { 1, 2, 3 };

	return dynamic(100) + (int)floating(v, 3) + many(1, 2, 3, 4);
}
