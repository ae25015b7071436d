import type { Notice } from '../notice.ts';
import { cut, factsOf, linksOf, titleOf } from './words.ts';

/** Teams takes 28 KB of a card. */
const MAX_TEXT = 8000;

/** Adaptive Card (https://adaptivecards.io/schemas/adaptive-card.json) in the envelope of a Teams workflow. */
export const teamsMessage = (notice: Notice): Record<string, unknown> => {
  const actions = linksOf(notice).map(([title, url]) => ({ type: 'Action.OpenUrl', title, url }));
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    body: [
      {
        type: 'TextBlock',
        text: plain(titleOf(notice)),
        weight: 'Bolder',
        size: 'Medium',
        wrap: true,
        color: notice.severity === 'warning' ? 'Warning' : 'Good',
      },
      { type: 'TextBlock', text: plain(cut(notice.message, MAX_TEXT)), wrap: true },
      { type: 'FactSet', facts: factsOf(notice).map(([title, value]) => ({ title, value: plain(value) })) },
    ],
    ...(actions.length > 0 ? { actions } : {}),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
};

/** A card reads Markdown: what others wrote makes no link. */
const plain = (text: string): string => text.replace(/[\\[\]*_`~<>]/g, '\\$&');
