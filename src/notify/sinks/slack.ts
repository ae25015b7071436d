import type { Notice } from '../notice.ts';
import { cut, factsOf, linksOf, titleOf } from './words.ts';

const COLORS = { info: '#2eb67d', warning: '#ecb22e' } as const;
/** Slack shows no more of a text. */
const MAX_TEXT = 3000;

/**
 * Message of an incoming webhook (https://api.slack.com/messaging/webhooks), with an attachment rather than blocks, which
 * Mattermost and Rocket.Chat show as well. What others wrote mentions nobody and makes no link.
 */
export const slackMessage = (notice: Notice): Record<string, unknown> => {
  const title = escaped(titleOf(notice));
  const links = linksOf(notice).map(([name, url]) => `<${url.replace(/[<>|]/g, encodeURIComponent)}|${name}>`);
  const text = [escaped(cut(notice.message, MAX_TEXT)), links.join(' · ')].filter((part) => part !== '').join('\n');
  return {
    text: title,
    attachments: [
      {
        color: COLORS[notice.severity],
        fallback: title,
        text,
        mrkdwn_in: [],
        fields: factsOf(notice).map(([name, value]) => ({
          title: name,
          value: escaped(value),
          short: value.length < 40,
        })),
      },
    ],
  };
};

/** https://api.slack.com/reference/surfaces/formatting#escaping; `<!here>` of an alert's text would call everybody. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('@', '@\u200b');
