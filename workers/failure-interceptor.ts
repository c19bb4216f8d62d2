import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { TitrateError } from '../src/contracts';

/** An error's code becomes the failure's type, and its kind says whether a retry can help. */
export const failureInterceptor: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        if (!(error instanceof TitrateError)) throw error;
        if (error.code === 'cancelled') throw new CancelledFailure(error.message, [], error);
        throw ApplicationFailure.create({
          message: error.message,
          type: error.code,
          nonRetryable: !error.retryable,
          details: [error.parts],
          cause: error,
        });
      }
    },
  },
});
