from django.urls import path

from apps.accounts.views import setup

app_name = "accounts"
urlpatterns = [
    path("setup/<str:token>/", setup.setup, name="setup"),
]
