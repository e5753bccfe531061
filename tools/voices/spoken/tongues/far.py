"""Chinese, Korean and Thai, as their presenters say them; Japanese has a file of its own."""

import re

from tools.voices.spoken.tongues.numbers import NumberStyle
from tools.voices.spoken.tongues.tables import currencies, listed, units
from tools.voices.spoken.tongues.tongue import Place, Tongue

_POINT = NumberStyle(".")
_CHINESE_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_KOREAN_COUNTED = listed(
    "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열한 열두"
)  # what natives count by
_NUMBERED = tuple(str(month) for month in range(1, 13))


def _chinese(place: Place) -> str | None:
    """Read a year digit by digit."""
    years = re.compile(r"(?<!\d)([12]\d{3})(?=年(?!前|后|後|间|間|来|來))")
    if not years.search(place.core):
        return None
    return years.sub(lambda found: found[1].translate(_CHINESE_DIGITS), place.core)


def _korean(place: Place) -> str | None:
    """Count hours, people and things by the native words."""
    counted = re.compile(r"(?<![\d.,])(\d{1,2})(?=(?:시간|시|명|개|살|마리|가지)(?![가-힣]{3}))")
    said = counted.sub(
        lambda found: (
            _KOREAN_COUNTED[int(found[1]) - 1] + " "
            if 1 <= int(found[1]) <= len(_KOREAN_COUNTED)
            else found[1]
        ),
        place.core,
    )
    return said if said != place.core else None


CHINESE = Tongue(
    _POINT,
    units("个百分点; 公里; 米; 厘米; 毫米; 公斤; 克; 公里每小时; 摄氏度; 华氏度; 度; "
          "平方公里; 平方米; 吉字节; 兆字节; 太字节; 千瓦; 兆瓦; 吉瓦; 千瓦时"),
    {**currencies("欧元; 美元; 英镑; 日元; 卢比; 卢布; 韩元; 谢克尔; 瑞士法郎"), "¥": ("元",)},
    _NUMBERED,
    range_="{a}到{b}", minus="负", date="{y}年{m}月{d}日", clock="{h}点{m}", percent="百分之{n}",
    words={"&": "和", "vs": "对"},
    scales={"万": ("万",), "亿": ("亿",), "萬": ("万",), "億": ("亿",), "兆": ("兆",)},
    glue="",
    special=_chinese,
)  # fmt: skip
KOREAN = Tongue(
    NumberStyle(".", words=lambda plain: plain.replace(".", " 점 ")),
    units("퍼센트; 킬로미터; 미터; 센티미터; 밀리미터; 킬로그램; 그램; 시속 킬로미터; "
          "도; 화씨도; 도; 제곱킬로미터; 제곱미터; 기가바이트; 메가바이트; 테라바이트; "
          "킬로와트; 메가와트; 기가와트; 킬로와트시"),
    currencies("유로; 달러; 파운드; 엔; 루피; 루블; 원; 셰켈; 프랑"),
    _NUMBERED,
    range_="{a}에서 {b}", minus="마이너스", date="{y}년 {m}월 {d}일", clock="{h}시 {m}분",
    percent="{n} 퍼센트",
    scales={"만": ("만",), "억": ("억",), "조": ("조",)},
    words={"&": "앤드"},
    special=_korean,
)  # fmt: skip
THAI = Tongue(
    _POINT,
    units("เปอร์เซ็นต์; กิโลเมตร; เมตร; เซนติเมตร; มิลลิเมตร; กิโลกรัม; กรัม; กิโลเมตรต่อชั่วโมง; "
          "องศาเซลเซียส; องศาฟาเรนไฮต์; องศา; ตารางกิโลเมตร; ตารางเมตร; กิกะไบต์; "
          "เมกะไบต์; เทระไบต์; กิโลวัตต์; "
          "เมกะวัตต์; กิกะวัตต์; กิโลวัตต์ชั่วโมง"),
    currencies("ยูโร; ดอลลาร์; ปอนด์; เยน; รูปี; รูเบิล; วอน; เชเกล; ฟรังก์"),
    listed(
        "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม "
        "พฤศจิกายน ธันวาคม"
    ),
    range_="{a} ถึง {b}", minus="ลบ", date="{d} {m} {y}", clock="{h} นาฬิกา {m}",
    percent="{n} เปอร์เซ็นต์",
    words={"พ.ศ.": "พุทธศักราช", "ค.ศ.": "คริสต์ศักราช", "กม.": "กิโลเมตร", "ดร.": "ดอกเตอร์"},
)  # fmt: skip
