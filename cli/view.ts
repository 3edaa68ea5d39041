import type { View } from './describe/common.ts';
import type { Session } from './session.ts';

/** How this session's terminal looks at things. */
export function viewOf(session: Session): View {
  return { style: session.style, width: session.width, now: session.now() };
}
