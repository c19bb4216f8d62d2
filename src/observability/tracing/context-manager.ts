import { ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api';
import { ambient, withAmbient } from '../ambient';

/** OpenTelemetry's active context, carried along asynchronous calls. */
export class AsyncContextManager implements ContextManager {
  private enabled = true;

  active(): Context {
    return (this.enabled && ambient().traced) || ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return withAmbient({ traced: context }, () => fn.call(thisArg as ThisParameterType<F>, ...args));
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target;
    const bound = (...args: unknown[]): unknown => withAmbient({ traced: context }, () => target(...args));
    return bound as T;
  }

  enable(): this {
    this.enabled = true;
    return this;
  }

  /** What is on its way keeps its context, and nobody is told of it. */
  disable(): this {
    this.enabled = false;
    return this;
  }
}
