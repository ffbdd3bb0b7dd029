#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "credentials.h"
#include "device.h"
#include "entries.h"
#include "erofs.h"
#include "hide.h"
#include "init.h"
#include "join.h"
#include "mount.h"
#include "network.h"
#include "new-root.h"
#include "oom.h"
#include "process.h"
#include "program.h"
#include "record.h"
#include "remove.h"
#include "root-files.h"
#include "runtime.h"
#include "seal.h"
#include "seccomp.h"
#include "service.h"
#include "system.h"
#include "terminal.h"
#include "tree-read.h"
#include "tree-write.h"
#include "verdict.h"
#include "volume.h"
#include "watch.h"

static int
step_hint (struct context *context, const struct step *step)
{
  context->hint = step_string (step, 0);
  return 0;
}

static int
step_exit (struct context *context, const struct step *step)
{
  (void) context;
  _exit ((int) step_integer (step, 0) & 0xff);
}

/* clone, created and cleanup are not here: they divide the phases. */
static int (*const execute[STEP_KIND_LIMIT]) (struct context *, const struct step *) = {
  [STEP_HINT] = step_hint,
  [STEP_MAKE_DIR] = step_make_dir,
  [STEP_WRITE] = step_write,
  [STEP_WRITE_EITHER] = step_write_either,
  [STEP_LOCK] = step_lock,
  [STEP_RECORD] = step_record,
  [STEP_SUPERVISE] = step_supervise,
  [STEP_TERMINAL] = step_terminal,
  [STEP_OOM_FILE] = step_oom_file,
  [STEP_DEVICE_FILTER] = step_device_filter,
  [STEP_JOIN] = step_join,
  [STEP_JOIN_NAMESPACE] = step_join_namespace,
  [STEP_SEAL] = step_seal,
  [STEP_INIT] = step_init,
  [STEP_SECCOMP] = step_seccomp,
  [STEP_UNSHARE] = step_unshare,
  [STEP_PRIVATE_MOUNTS] = step_private_mounts,
  [STEP_MOUNT_EROFS] = step_mount_erofs,
  [STEP_ROOT_OVERLAY] = step_root_overlay,
  [STEP_ROOT_BIND] = step_root_bind,
  [STEP_ROOT_DIR] = step_root_dir,
  [STEP_MOUNT] = step_mount,
  [STEP_BIND] = step_bind,
  [STEP_REMOUNT] = step_remount,
  [STEP_MKDIR] = step_mkdir,
  [STEP_MKNOD] = step_mknod,
  [STEP_SYMLINK] = step_symlink,
  [STEP_FILE] = step_file,
  [STEP_MASK] = step_mask,
  [STEP_READONLY] = step_readonly,
  [STEP_PIVOT] = step_pivot,
  [STEP_CHROOT] = step_chroot,
  [STEP_HOSTNAME] = step_hostname,
  [STEP_DOMAINNAME] = step_domainname,
  [STEP_SYSCTL] = step_sysctl,
  [STEP_RLIMIT] = step_rlimit,
  [STEP_OOM_SCORE] = step_oom_score,
  [STEP_LOOPBACK] = step_loopback,
  [STEP_SESSION_KEYRING] = step_session_keyring,
  [STEP_STDIN_NULL] = step_stdin_null,
  [STEP_CREDENTIALS] = step_credentials,
  [STEP_NO_NEW_PRIVILEGES] = step_no_new_privileges,
  [STEP_UMASK] = step_umask,
  [STEP_WORKING_DIR] = step_working_dir,
  [STEP_ENVIRONMENT] = step_environment,
  [STEP_EXEC] = step_exec,
  [STEP_CREATE_ENTRIES] = step_create_entries,
  [STEP_SYNC] = step_sync,
  [STEP_EXIT] = step_exit,
  [STEP_COPY_UP] = step_copy_up,
  [STEP_OPEN_TREE] = step_open_tree,
  [STEP_ATTACH_TREE] = step_attach_tree,
  [STEP_READ_TREE] = step_read_tree,
  [STEP_WRITE_TREE] = step_write_tree,
  [STEP_REMOVE_TREE] = step_remove_tree,
  [STEP_REMOVE_CGROUP] = step_remove_cgroup,
  [STEP_PROGRAM] = step_program,
  [STEP_DAEMON] = step_daemon,
  [STEP_INTERFACE] = step_interface,
  [STEP_RESERVE_PORT] = step_reserve_port,
  [STEP_REQUEST] = step_request,
  [STEP_EXIT_TEXT] = step_exit_text,
  [STEP_RUNTIME_PID] = step_runtime_pid,
  [STEP_MOVE_PROCESSES] = step_move_processes,
};

static void
record_failure (void)
{
  char line[512];
  failure_line (line, sizeof line);
  record_error (line);
}

/* As docker's: a command that is not there, or cannot be started where it is to, is another matter than our failure. */
static int
failed_status (enum step_kind kind)
{
  switch (kind) {
  case STEP_EXEC:
    return exec_status (failure_error ());
  case STEP_WORKING_DIR:
    return EXIT_NOT_EXECUTABLE;
  default:
    return EXIT_OURS;
  }
}

/* Steps [from, to); 0, or the exit status of the one that failed. */
static int
run_steps (struct context *context, size_t from, size_t to)
{
  for (size_t i = from; i < to; i++) {
    const struct step *step = &context->plan->steps[i];
    long long began = context->timed ? monotonic_time () : 0;
    /* There is nobody to say it afterwards. */
    if (step->kind == STEP_EXEC)
      report_time (context, i + 1, began);
    if (execute[step->kind](context, step) == 0 || step->optional) {
      report_time (context, i + 1, began);
      continue;
    }
    int status = failed_status (step->kind);
    report_failure (context, i + 1, step_name (step->kind));
    if (context->supervisor < 0 && i < context->plan->cleanup)
      record_failure ();
    return status;
  }
  return 0;
}

/*
 * Removes as root of the container's user namespace: below upper/ lie files of ids that only exist there. A process
 * has to enter it for that, and cannot come back.
 */
static int
run_in_namespace (struct context *context, int namespace, size_t index)
{
  pid_t pid = fork ();
  int status;
  if (pid < 0)
    return -1;
  if (pid == 0) {
    /* Our own ids are the first of its maps: entering makes us its root. */
    int entered = setns (namespace, CLONE_NEWUSER);
    if (entered == 0)
      _exit (run_steps (context, index, index + 1));
    fail ("", "cannot enter the container's user namespace");
    report_failure (context, index + 1, step_name (context->plan->steps[index].kind));
    _exit (EXIT_OURS);
  }
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return 0;
}

/* Every step, whatever happened to the one before; what fails is reported and changes nothing else. */
static void
run_cleanup (struct context *context, int namespace)
{
  const struct plan *plan = context->plan;
  context->hint = "";
  for (size_t i = plan->cleanup + 1; i < plan->count; i++)
    if (plan->steps[i].kind != STEP_REMOVE_TREE || namespace < 0 || run_in_namespace (context, namespace, i) < 0)
      run_steps (context, i, i + 1);
}

/* In the supervisor, before there is a program. */
static int
not_started (struct context *context)
{
  report_failure (context, context->plan->clone + 1, step_name (STEP_CLONE));
  record_failure ();
  return EXIT_OURS;
}

/* Clone, and what is to be done before the child goes on. 0, or the exit status; does not return in the child. */
static int
create_child (struct context *context, struct child *child)
{
  const struct plan *plan = context->plan;
  struct service *service = context->service;
  if (service && streams_open (service) < 0)
    return not_started (context);
  long long began = context->timed ? monotonic_time () : 0;
  int started = start_child (context, &plan->steps[plan->clone], child);
  /* In the child: cleaning up is the supervisor's. */
  if (started < 0 && child->pid == 0) {
    report_failure (context, plan->clone + 1, step_name (STEP_CLONE));
    _exit (EXIT_OURS);
  }
  if (child->pid == 0)
    _exit (run_steps (context, plan->clone + 1, plan->created));
  close_descriptor (&context->started);
  if (service)
    streams_keep_ours (service);
  if (started < 0)
    return not_started (context);
  report_time (context, plan->clone + 1, began);
  context->child = child->pid;
  context->hint = "";
  int status = child->go < 0 ? 0 : run_steps (context, plan->created + 1, plan->cleanup);
  if (status == 0 && let_go (child) < 0)
    status = not_started (context);
  if (status != 0)
    kill_child (child);
  return status;
}

/* What the steps of this run have noted: the plan may be run again. */
static void
forget_run (struct context *context, struct child *child)
{
  while (context->join_count > 0)
    close (context->joins[--context->join_count].fd);
  close_descriptor (&child->namespace);
  context->user_namespace = 0;
  close_descriptor (&child->started);
  close_descriptor (&child->leash);
  context->child = 0;
  context->hint = "";
}

int
run_plan (struct context *context)
{
  const struct plan *plan = context->plan;
  struct child child = { .pid = -1, .namespace = -1, .go = -1, .started = -1, .leash = -1 };
  int status = run_steps (context, 0, plan->clone);
  if (plan->clone == plan->count)
    return status;
  if (status == 0)
    status = create_child (context, &child);
  if (status == 0)
    status = judge (context, watch_child (context, &child));
  note_oom (context, status);
  end_daemons (context);
  run_cleanup (context, child.namespace);
  forget_run (context, &child);
  if (!context->service)
    record_exited (status);
  return status;
}
