/* Kernel locks for a caller that takes many; src/helper/locks.ts is the other end. */
#ifndef PULLRUN_LOCKS_H
#define PULLRUN_LOCKS_H

/* Serves requests from standard input to its end, which releases what is held. Returns the exit status. */
int serve_locks (void);

#endif
