/** Whether the system refused something on the disk: no such file, no permission, no folder. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && "syscall" in error;

/** The same, or a name that no file can have. */
export const isNoFile = (error: unknown): boolean =>
  isSystemError(error) || (error as NodeJS.ErrnoException).code === "ERR_INVALID_ARG_VALUE";
