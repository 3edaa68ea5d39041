import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Every series the runtime exports. Names follow controller-runtime and client-go where they have one. */
export class RuntimeMetrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'resource' | 'code'>;
  readonly requestSeconds: Histogram<'method'>;
  readonly throttled: Counter<'by'>;
  readonly queueDepth: Gauge<'name'>;
  readonly queueAdds: Counter<'name'>;
  readonly queueRetries: Counter<'name'>;
  readonly queueWaitSeconds: Histogram<'name'>;
  readonly reconciles: Counter<'controller' | 'result'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly activeWorkers: Gauge<'controller'>;
  readonly informerObjects: Gauge<'resource'>;
  readonly informerLists: Counter<'resource'>;
  readonly informerReconnects: Counter<'resource' | 'reason'>;
  readonly informerEvents: Counter<'resource' | 'type'>;
  /** Unix time of the last list, event or bookmark; its age tells a silent watch. */
  readonly informerLastEvent: Gauge<'resource'>;
  readonly handlerErrors: Counter<'resource'>;
  readonly leader: Gauge<'name'>;
  readonly eventLoopDelay: Gauge;
  readonly eventsDropped: Counter<'reason'>;

  constructor(registry: Registry = new Registry()) {
    this.registry = registry;
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    const gauge = <L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> =>
      new Gauge({ name, help, labelNames, registers });
    const histogram = <L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> =>
      new Histogram({ name, help, labelNames, registers, buckets: LATENCY_BUCKETS });

    this.requests = counter('rest_client_requests_total', 'API calls by method, resource and status code', [
      'method',
      'resource',
      'code',
    ]);
    this.requestSeconds = histogram('rest_client_request_duration_seconds', 'Time of an API call', ['method']);
    this.throttled = counter('rest_client_throttled_total', 'Calls delayed by the server or by our own limit', ['by']);
    this.queueDepth = gauge('workqueue_depth', 'Keys waiting', ['name']);
    this.queueAdds = counter('workqueue_adds_total', 'Keys added', ['name']);
    this.queueRetries = counter('workqueue_retries_total', 'Keys added again after a failure', ['name']);
    this.queueWaitSeconds = histogram('workqueue_queue_duration_seconds', 'Time a key waited', ['name']);
    this.reconciles = counter('controller_runtime_reconcile_total', 'Reconciles by result', ['controller', 'result']);
    this.reconcileSeconds = histogram('controller_runtime_reconcile_time_seconds', 'Time of a reconcile', [
      'controller',
    ]);
    this.activeWorkers = gauge('controller_runtime_active_workers', 'Reconciles running now', ['controller']);
    this.informerObjects = gauge('informer_objects', 'Objects in the cache', ['resource']);
    this.informerLists = counter('informer_lists_total', 'Full lists', ['resource']);
    this.informerReconnects = counter('informer_reconnects_total', 'Watches started again', ['resource', 'reason']);
    this.informerEvents = counter('informer_events_total', 'Watch events', ['resource', 'type']);
    this.informerLastEvent = gauge('informer_last_event_timestamp_seconds', 'Last list, event or bookmark', [
      'resource',
    ]);
    this.handlerErrors = counter('informer_handler_errors_total', 'Event handlers that threw', ['resource']);
    this.leader = gauge('leader_election_master_status', '1 while this process leads', ['name']);
    this.eventLoopDelay = gauge('event_loop_delay_seconds', 'Longest event loop delay since the last sample', []);
    this.eventsDropped = counter('events_dropped_total', 'Kubernetes events not written', ['reason']);
  }
}
