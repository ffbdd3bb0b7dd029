#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "record.h"

static int
add_membership (struct context *context, int fd, int namespaces)
{
  if (context->join_count == MAX_MEMBERSHIPS)
    return fail_with (E2BIG, "", "cannot join so many namespaces");
  context->joins[context->join_count++] = (struct membership){ fd, namespaces };
  return 0;
}

/* For the cleanup: what the child leaves has owners that exist only there, and the process we joined may have ended. */
static void
keep_user_namespace (struct context *context, const struct step *step)
{
  char path[64];
  if (!(step_integer (step, 2) & CLONE_NEWUSER) || context->user_namespace > 0)
    return;
  snprintf (path, sizeof path, "/proc/%d/ns/user", (int) step_integer (step, 0));
  context->user_namespace = open (path, O_RDONLY | O_CLOEXEC);
}

/* The descriptor first: should the process end now and its number be taken by another, the start time tells. */
int
step_join (struct context *context, const struct step *step)
{
  pid_t pid = (pid_t) step_integer (step, 0);
  char number[16];
  snprintf (number, sizeof number, "%d", (int) pid);
  int fd = k_pidfd_open (pid);
  if (fd < 0)
    return fail (number, "cannot open the container's process");
  if (process_start_time (pid) == step_integer (step, 1)) {
    keep_user_namespace (context, step);
    return add_membership (context, fd, (int) step_integer (step, 2));
  }
  close (fd);
  return fail_with (ESRCH, number, "the container's process has ended");
}

/* Not blocking: the path may lead to a FIFO. */
int
step_join_namespace (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  int namespace = (int) step_integer (step, 1), fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct statfs fs;
  if (fd < 0)
    return fail (path, "cannot open namespace");
  if (fstatfs (fd, &fs) == 0 && fs.f_type == NSFS_MAGIC && ioctl (fd, NS_GET_NSTYPE) == namespace)
    return add_membership (context, fd, namespace);
  close (fd);
  return fail_with (EINVAL, path, "not a namespace of the expected kind");
}

static int
enter (const struct context *context, bool user)
{
  for (size_t i = 0; i < context->join_count; i++) {
    const struct membership *join = &context->joins[i];
    if (!(join->namespaces & CLONE_NEWUSER) == !user && setns (join->fd, join->namespaces) < 0)
      return fail ("", "cannot enter the namespaces");
  }
  return 0;
}

/* Root where it exists there; where one id is mapped, to us, that is what we are already. */
static int
become_root (void)
{
  bool group = setresgid (0, 0, 0) == 0 || errno == EINVAL;
  bool user = setresuid (0, 0, 0) == 0 || errno == EINVAL;
  return group && user ? 0 : fail ("", "cannot become root of the user namespace");
}

static int
enter_all (const struct context *context)
{
  bool user = false;
  for (size_t i = 0; i < context->join_count; i++)
    user |= context->joins[i].namespaces & CLONE_NEWUSER;
  /* A user namespace first: the others need the privilege it gives. */
  if (enter (context, true) < 0 || enter (context, false) < 0)
    return -1;
  return user ? become_root () : 0;
}

/*
 * Entering a pid namespace counts for children only, hence a process between: it enters, clones with CLONE_PARENT, so
 * that the child is the supervisor's, and goes. The supervisor itself stays outside of everything.
 */
static int
clone_sibling (const struct context *context, uint64_t flags, int answer)
{
  /* CVE-2016-9962: from when it is visible there, nobody may attach to the child. Ids changing undoes it. */
  prctl (PR_SET_DUMPABLE, 0);
  if (enter_all (context) < 0)
    return -1;
  prctl (PR_SET_DUMPABLE, 0);
  pid_t pid = k_clone (flags | CLONE_PARENT);
  if (pid < 0)
    return fail ("", "cannot start a process in the namespaces");
  if (pid == 0)
    return 0;
  _exit (write_all (answer, &pid, sizeof pid) < 0 ? EXIT_OURS : 0);
}

int
clone_joined (const struct context *context, uint64_t flags, pid_t *pid)
{
  int answer[2];
  pid_t between = -1;
  if (pipe2 (answer, O_CLOEXEC) == 0)
    between = fork ();
  if (between <= 0) {
    *pid = between;
    return between < 0 ? -1 : clone_sibling (context, flags, answer[1]);
  }
  close (answer[1]);
  bool started = read (answer[0], pid, sizeof *pid) == sizeof *pid;
  close (answer[0]);
  if (started)
    waitpid (between, NULL, 0);
  else
    *pid = between;
  return started ? 0 : -1;
}
