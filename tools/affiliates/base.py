"""What an affiliate network's file exports: `NETWORK`, which makes our link of a product's URL."""

from abc import ABC, abstractmethod


class Network(ABC):
    """One affiliate network. Its file has the name that the catalogue's `network` column uses."""

    name: str

    @abstractmethod
    def tracked_url(self, product_url: str, sub_id: str) -> str:
        """Return the link that tells the network who sent the customer.

        `sub_id` is 1 to 24 lower-case letters and digits; the network hands it back with a sale.
        Nothing is asked of the network: the same arguments give the same link.

        Raises:
            Refused: the product's URL is none of this network's.
        """
