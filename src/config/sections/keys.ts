import { path, section } from '../fields.ts';

export const keys = section('The community’s own key.', {
  path: path(
    'Made at the first start, for its owner’s eyes only. Apps pin this key: losing it makes every member enrol again.',
    './data/community.key',
  ),
});
