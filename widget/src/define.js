/** Registers `<candor-chat>`. Loading it twice does nothing. */

import { CandorChat } from './element.js';

if (!customElements.get('candor-chat')) customElements.define('candor-chat', CandorChat);
