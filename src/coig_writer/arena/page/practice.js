// The item to try first. It is part of the page, the same for everyone, and never sent anywhere.

const ITEMS = {
  zh: {
    prompt: "公用厨房的冰箱里总有东西不见。写一张便条贴在冰箱门上，六十字以内，不许骂人。",
    answers: [
      "第二层那盒饺子是我妈包的，一共十四个。昨天数，十一个。拿的人请告诉我一声好不好吃，我好转告她。",
      "亲爱的室友们，让我们携手共建和谐温馨的厨房环境，不是自己的东西请不要拿，谢谢大家的配合与理解！",
      "本冰箱即日起实行实名制。无名之酱油，人人得而蘸之。",
      "冰箱里的东西都有名字了，请看清楚再拿。鸡蛋上也写了。",
      "月光照进冰箱，酸奶像一封没有寄出的信，而你，取走了它，也取走了我整个早晨的光。",
    ],
  },
  en: {
    prompt: "Food keeps vanishing from the shared fridge. Write a note for its door: under forty words, no insults.",
    answers: [
      "To whoever had the lasagne: it was my mother's last batch before her hip operation. Was it good? She'll ask. Room 4.",
      "Dear housemates, let us work together to create a positive and respectful kitchen environment for everyone. Thank you for your understanding!",
      "Everything in this fridge now has a name on it. The eggs were the hardest.",
      "Lost: one yoghurt, strawberry, answers to nothing. Last seen Tuesday. Its family of five is now a family of three.",
      "Please do not take food that is not yours. Label your food. Thanks.",
    ],
  },
};
const COUNT = { pairwise: 2, ranking: 5, rating: 1 };

export function practiceItem(protocol, language) {
  const { prompt, answers } = ITEMS[language];
  return { id: "practice", language, genre: "everyday", prompt, answers: answers.slice(0, COUNT[protocol]) };
}
