#include "seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

/* Whatever follows in the plan has to do with what the filter lets through. */
int
step_seccomp (struct context *context, const struct step *step)
{
  const struct argument *program = &step->argv[1];
  size_t count = program->length / sizeof (struct sock_filter);
  (void) context;
  if (count == 0 || count > BPF_MAXINSNS || program->length % sizeof (struct sock_filter) != 0)
    return fail_with (EINVAL, "", "not a seccomp filter");
  autofree struct sock_filter *filter = malloc (program->length);
  if (!filter)
    return fail ("", "cannot load the seccomp filter");
  /* Arguments of a plan are not aligned. */
  memcpy (filter, program->bytes, program->length);
  struct sock_fprog loaded = { .len = (unsigned short) count, .filter = filter };
  if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned) step_integer (step, 0), &loaded) < 0)
    return fail ("", "cannot load the seccomp filter");
  return 0;
}
