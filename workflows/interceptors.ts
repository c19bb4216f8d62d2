import type {
  WorkflowInboundCallsInterceptor,
  WorkflowInterceptorsFactory,
  WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { ContinueAsNew, isCancellation, ParentClosePolicy } from '@temporalio/workflow';
import { beginExecution, endExecution, handled, headersFromHere, headersOfContinuation } from './trace-place';

/**
 * Traces. Nothing here may change what replays: no command, no random number, and no turn of the event loop more. So calls are passed
 * on as they are, and spans end on branches of their own.
 */
const inbound: WorkflowInboundCallsInterceptor = {
  execute(input, next) {
    beginExecution(input.headers, input.args[0]);
    const running = next(input);
    running.then(
      () => endExecution(),
      (error: unknown) => {
        if (!(error instanceof ContinueAsNew))
          endExecution(isCancellation(error) ? 'cancelled' : wordsOf(error));
      },
    );
    return running;
  },
  handleSignal(input, next) {
    const startMs = Date.now();
    const running = next(input);
    const end = (failure?: string) =>
      handled(
        `signal ${input.signalName}`,
        `signal/${input.signalName}/${startMs}`,
        input.headers,
        startMs,
        failure,
      );
    running.then(
      () => end(),
      (error: unknown) => end(wordsOf(error)),
    );
    return running;
  },
  handleUpdate(input, next) {
    const startMs = Date.now();
    const running = next(input);
    const end = (failure?: string) =>
      handled(`update ${input.name}`, `update/${input.updateId}`, input.headers, startMs, failure);
    running.then(
      () => end(),
      (error: unknown) => end(wordsOf(error)),
    );
    return running;
  },
};

const outbound: WorkflowOutboundCallsInterceptor = {
  scheduleActivity: (input, next) => next({ ...input, headers: headersFromHere(input.headers) }),
  startChildWorkflowExecution(input, next) {
    const beside = input.options.parentClosePolicy === ParentClosePolicy.ABANDON;
    return next({ ...input, headers: headersFromHere(input.headers, beside ? { beside } : {}) });
  },
  continueAsNew: (input, next) => next({ ...input, headers: headersOfContinuation(input.headers) }),
};

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export const interceptors: WorkflowInterceptorsFactory = () => ({ inbound: [inbound], outbound: [outbound] });
