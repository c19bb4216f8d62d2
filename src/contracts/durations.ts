import { z } from 'zod';

/** Durations as campaigns write them. @param example named to whoever writes something else, such as '10 minutes' */
export const durationSchema = (example: string) =>
  z
    .string()
    .regex(
      /^\d+(\.\d+)?\s*(ms|s|m|h|d|seconds?|minutes?|hours?|days?|weeks?)$/,
      `expected a duration such as '${example}' or '30s'`,
    );
